"""Pure: facts to OPA input, OPA's answer to a Decision. No IO, no clock."""
