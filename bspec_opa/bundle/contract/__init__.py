"""The closed schemas between Python and Rego: input, organisation data, build data, decision."""
