import json, sys, jsonschema

def parts_of(schema):
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    return [part for part in parts if isinstance(part, (dict, list))]

def shared(schema):
    """Definitions that others extend by allOf: these allow what the others name."""
    own = [part.get("$ref", "") for part in schema.get("allOf", [])] if isinstance(schema, dict) else []
    return set(own).union(*map(shared, parts_of(schema)))

def close(schema, place, extended):
    """Allows no field that the schema does not name."""
    if isinstance(schema, dict) and "properties" in schema and place not in extended:
        schema.setdefault("unevaluatedProperties", False)
    keys = schema.items() if isinstance(schema, dict) else enumerate(schema)
    for key, part in keys:
        if isinstance(part, (dict, list)): close(part, f"{place}/{key}", extended)

schema = json.load(open(sys.argv[2]))
jsonschema.Draft202012Validator.check_schema(schema)
close(schema, "#", shared(schema))
jsonschema.validate(json.load(open(sys.argv[1])), schema)
