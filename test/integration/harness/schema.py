"""Whether a document is as a JSON schema says, as far as our own schemas go: a word of a schema that
is not known here is an error."""

_TYPES = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}
_TEXTS = {"$schema", "title", "description", "$defs"}


def _is_of(value, name):
    if name in ("number", "integer"):
        kinds = int if name == "integer" else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, _TYPES[name])


def problems(value, schema, root=None, at="$"):
    """What is wrong with the value, a line each."""
    root = root or schema
    found = []
    for word, rule in schema.items():
        if word in _TEXTS or word in ("required", "additionalProperties"):
            continue
        if word == "type":
            names = rule if isinstance(rule, list) else [rule]
            if not any(_is_of(value, name) for name in names):
                return [f"{at}: {value!r} is not {rule}"]
        elif word == "enum":
            found += [] if value in rule else [f"{at}: {value!r} is none of {rule}"]
        elif word == "minimum":
            found += [] if value >= rule else [f"{at}: {value} is below {rule}"]
        elif word == "maximum":
            found += [] if value <= rule else [f"{at}: {value} is above {rule}"]
        elif word == "anyOf":
            if all(problems(value, other, root, at) for other in rule):
                found.append(f"{at}: {value!r} is as none of them says")
        elif word == "items":
            for number, item in enumerate(value):
                found += problems(item, rule, root, f"{at}[{number}]")
        elif word == "$ref":
            found += problems(value, root["$defs"][rule.rsplit("/", 1)[1]], root, at)
        elif word == "properties":
            found += _problems_of_members(value, schema, root, at)
        else:
            raise ValueError(f"the schema has {word!r} at {at}")
    if "properties" not in schema and "additionalProperties" in schema:
        found += _problems_of_members(value, schema, root, at)
    return found


def _problems_of_members(value, schema, root, at):
    found = [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value]
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name, member in value.items():
        if name in known:
            found += problems(member, known[name], root, f"{at}.{name}")
        elif others is False:
            found.append(f"{at}: {name} is not in the schema")
        elif others is not True:
            found += problems(member, others, root, f"{at}.{name}")
    return found
