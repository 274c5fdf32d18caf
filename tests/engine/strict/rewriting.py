"""A pass over ``policy.wasm`` that makes a native builtin stop where OPA's strict mode raises.

OPA's compiler lets a builtin's NULL mean *undefined* (``compileInternalCall`` in its ``internal/compiler/wasm/wasm.go``).
Here each call from compiled Rego goes to a wrapper that calls the builtin and stops on NULL. Calls within OPA's own
runtime stay as they are. Nothing of this is part of the product: see docs/adr/0007-strict-wasm.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.strict.module import (
    CALL,
    CODE,
    EMPTY,
    END,
    FUNCTION,
    I32,
    I32_EQZ,
    IF,
    IMPORT,
    LOCAL_GET,
    LOCAL_TEE,
    TYPE,
    UNREACHABLE,
    Section,
    UnknownFormatError,
    bodies_in,
    calls_in,
    function_names,
    imported_functions,
    leb,
    module_of,
    numbers_in,
    parameters,
    sections_of,
    sized,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMPILED_REGO = re.compile(r"g[0-9]+\.|eval$")
"""The names of functions that OPA's compiler makes from Rego."""
NATIVE = {
    "abs": "opa_arith_abs",
    "and": "opa_set_intersection",
    "array.concat": "opa_array_concat",
    "array.flatten": "opa_array_flatten",
    "array.reverse": "opa_array_reverse",
    "array.slice": "opa_array_slice",
    "base64.decode": "opa_base64_decode",
    "base64.encode": "opa_base64_encode",
    "base64.is_valid": "opa_base64_is_valid",
    "base64url.decode": "opa_base64_url_decode",
    "base64url.encode": "opa_base64_url_encode",
    "bits.and": "opa_bits_and",
    "bits.lsh": "opa_bits_shiftleft",
    "bits.negate": "opa_bits_negate",
    "bits.or": "opa_bits_or",
    "bits.rsh": "opa_bits_shiftright",
    "bits.xor": "opa_bits_xor",
    "ceil": "opa_arith_ceil",
    "concat": "opa_strings_concat",
    "contains": "opa_strings_contains",
    "count": "opa_agg_count",
    "div": "opa_arith_divide",
    "endswith": "opa_strings_endswith",
    "equal": "opa_cmp_eq",
    "floor": "opa_arith_floor",
    "format_int": "opa_strings_format_int",
    "glob.match": "opa_glob_match",
    "graph.reachable": "builtin_graph_reachable",
    "gt": "opa_cmp_gt",
    "gte": "opa_cmp_gte",
    "indexof": "opa_strings_indexof",
    "internal.member_2": "builtin_member",
    "internal.member_3": "builtin_member3",
    "internal.template_string": "opa_template_string",
    "intersection": "opa_sets_intersection",
    "is_array": "opa_types_is_array",
    "is_boolean": "opa_types_is_boolean",
    "is_null": "opa_types_is_null",
    "is_number": "opa_types_is_number",
    "is_object": "opa_types_is_object",
    "is_set": "opa_types_is_set",
    "is_string": "opa_types_is_string",
    "json.filter": "builtin_json_filter",
    "json.is_valid": "opa_json_is_valid",
    "json.marshal": "opa_json_marshal",
    "json.remove": "builtin_json_remove",
    "json.unmarshal": "opa_json_unmarshal",
    "lower": "opa_strings_lower",
    "lt": "opa_cmp_lt",
    "lte": "opa_cmp_lte",
    "max": "opa_agg_max",
    "min": "opa_agg_min",
    "minus": "opa_arith_minus",
    "mul": "opa_arith_multiply",
    "neq": "opa_cmp_neq",
    "net.cidr_contains": "opa_cidr_contains",
    "net.cidr_intersects": "opa_cidr_intersects",
    "numbers.range": "opa_numbers_range",
    "object.filter": "builtin_object_filter",
    "object.get": "builtin_object_get",
    "object.keys": "builtin_object_keys",
    "object.remove": "builtin_object_remove",
    "object.union": "builtin_object_union",
    "object.union_n": "builtin_object_union_n",
    "or": "opa_set_union",
    "plus": "opa_arith_plus",
    "product": "opa_agg_product",
    "regex.find_all_string_submatch_n": "opa_regex_find_all_string_submatch",
    "regex.is_valid": "opa_regex_is_valid",
    "regex.match": "opa_regex_match",
    "rem": "opa_arith_rem",
    "replace": "opa_strings_replace",
    "round": "opa_arith_round",
    "sort": "opa_agg_sort",
    "split": "opa_strings_split",
    "startswith": "opa_strings_startswith",
    "strings.replace_n": "opa_strings_replace_n",
    "strings.reverse": "opa_strings_reverse",
    "substring": "opa_strings_substring",
    "sum": "opa_agg_sum",
    "to_number": "opa_to_number",
    "trim": "opa_strings_trim",
    "trim_left": "opa_strings_trim_left",
    "trim_prefix": "opa_strings_trim_prefix",
    "trim_right": "opa_strings_trim_right",
    "trim_space": "opa_strings_trim_space",
    "trim_suffix": "opa_strings_trim_suffix",
    "type_name": "opa_types_name",
    "union": "opa_sets_union",
    "upper": "opa_strings_upper",
    "walk": "opa_value_transitive_closure",
}
"""Builtins that OPA 1.22.2 compiles, but for deprecated ones, and the functions of its runtime."""
EMPTY_IS_UNDEFINED = frozenset({"opa_agg_max", "opa_agg_min"})
"""Of an empty collection they are undefined, in OPA as well, and that is no error."""
_COLLECTIONS = (5, 7)
"""How OPA's runtime numbers arrays and sets."""


def strict(wasm: bytes) -> bytes:
    """The module with its builtins wrapped.

    Raises:
        UnknownFormatError: it holds something that this pass doesn't know, or no names.
    """
    sections = sections_of(wasm)
    part = {s.id: s.data for s in sections if s.id}
    names = function_names(sections)
    first = imported_functions(part[IMPORT])
    types, bodies, known = numbers_in(part[FUNCTION]), bodies_in(part[CODE]), parameters(part[TYPE])
    by_name = {name: number for number, name in names.items()}
    wrapped = {by_name[n]: n for n in sorted(set(NATIVE.values())) if n in by_name}
    wrappers = {number: first + len(bodies) + n for n, number in enumerate(wrapped)}
    bodies = [
        _redirected(body, wrappers) if COMPILED_REGO.match(names.get(first + n, "")) else body
        for n, body in enumerate(bodies)
    ]
    for number, name in wrapped.items():
        count = known[types[number - first]]
        if count < 1:
            raise UnknownFormatError(f"{name} is not of a builtin's type")
        types.append(types[number - first])
        bodies.append(_wrapper(number, count, by_name if name in EMPTY_IS_UNDEFINED else None))
    changed = {FUNCTION: vector([leb(t) for t in types]), CODE: vector([sized(b) for b in bodies])}
    return module_of([Section(s.id, changed.get(s.id, s.data)) for s in sections])


def _redirected(body: bytes, wrappers: Mapping[int, int]) -> bytes:
    parts, done = [], 0
    for start, end, number in calls_in(body):
        if number in wrappers:
            parts += [body[done:start], leb(wrappers[number])]
            done = end
    return b"".join([*parts, body[done:]])


def _wrapper(number: int, count: int, by_name: Mapping[str, int] | None) -> bytes:
    """A function's body that calls the builtin and stops on NULL."""
    result = bytes([count])
    arguments = b"".join(bytes([LOCAL_GET, n]) for n in range(count))
    stop = bytes([UNREACHABLE])
    if by_name is not None:
        stop = _unless_empty(by_name["opa_value_type"], by_name["opa_value_length"])
    code = [arguments, bytes([CALL]), leb(number), bytes([LOCAL_TEE]), result, bytes([I32_EQZ, IF, EMPTY]), stop]
    return vector([bytes([1, I32])]) + b"".join(code) + bytes([END, LOCAL_GET]) + result + bytes([END])


def _unless_empty(type_of: int, length_of: int) -> bytes:
    """Stops unless the first argument is an array or a set without members."""
    first = bytes([LOCAL_GET, 0, CALL])
    is_one = [first + leb(type_of) + bytes([0x41, kind, 0x46]) for kind in _COLLECTIONS]  # i32.const, i32.eq
    empty = first + leb(length_of) + bytes([I32_EQZ])
    either = is_one[0] + is_one[1] + bytes([0x72])  # i32.or
    return either + empty + bytes([0x71, I32_EQZ, IF, EMPTY, UNREACHABLE, END])  # i32.and


def wrapped_calls(wasm: bytes) -> Sequence[str]:
    """The builtins that compiled Rego calls, by the runtime's names, one for each call."""
    sections = sections_of(wasm)
    part = {s.id: s.data for s in sections if s.id}
    names, first = function_names(sections), imported_functions(part[IMPORT])
    known = set(NATIVE.values())
    return [
        names[number]
        for n, body in enumerate(bodies_in(part[CODE]))
        if COMPILED_REGO.match(names.get(first + n, ""))
        for _, _, number in calls_in(body)
        if names.get(number) in known
    ]
