package bspec.lib.select_test

import data.bspec.lib.select

rules := {
	"global.tools.a": {"id": "global.tools.a", "collections": ["tools"]},
	"global.data.b": {"id": "global.data.b", "collections": ["data", "eu"]},
}

test_chosen[note] if {
	some note, case in {
		"all": {"include": ["*"], "exclude": [], "want": {"global.tools.a", "global.data.b"}},
		"collection": {"include": ["@tools"], "exclude": [], "want": {"global.tools.a"}},
		"second collection": {"include": ["@eu"], "exclude": [], "want": {"global.data.b"}},
		"id": {"include": ["global.data.b"], "exclude": [], "want": {"global.data.b"}},
		"exclude a collection": {"include": ["*"], "exclude": ["@data"], "want": {"global.tools.a"}},
		"exclude wins": {"include": ["global.tools.a", "@tools"], "exclude": ["global.tools.a"], "want": set()},
		"bare collection": {"include": ["tools"], "exclude": [], "want": set()},
		"prefix of an id": {"include": ["global.tools"], "exclude": [], "want": set()},
	}
	chosen := select.chosen(rules) with data.bspec.org.select as {"include": case.include, "exclude": case.exclude}
	chosen == case.want
}

test_unmatched[note] if {
	some note, case in {
		"none": {"include": ["*", "@tools"], "exclude": ["global.data.b"], "want": set()},
		"misspelt": {
			"include": ["*", "@toolz"],
			"exclude": ["global.data.c", "@data", "tools"],
			"want": {"@toolz", "global.data.c", "tools"},
		},
	}
	unmatched := select.unmatched(rules) with data.bspec.org.select as {
		"include": case.include,
		"exclude": case.exclude,
	}
	unmatched == case.want
}
