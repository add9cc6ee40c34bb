#!/usr/bin/env python3
"""undescribed_names.py XML: names every public thing in Doxygen's XML that has no description.

The exit status is 1 if there is one. Deleted functions do not count.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

COMPOUNDS = {"class", "struct", "union", "namespace", "concept", "interface"}


def is_described(element):
    texts = (element.find("briefdescription"), element.find("detaileddescription"))
    return any(text is not None and "".join(text.itertext()).strip() for text in texts)


def is_deleted(member):
    return member.findtext("argsstring", "").rstrip().endswith("=delete")


def names_in(compound):
    """Every (element, name) of a compound, itself included."""
    if compound.get("kind") in COMPOUNDS:
        yield compound, compound.findtext("compoundname")
    for member in compound.iter("memberdef"):
        if member.get("prot") == "private" or is_deleted(member):
            continue
        name = (member.findtext("qualifiedname") or member.findtext("name")) + member.findtext("argsstring", "")
        yield member, name
        for value in member.iter("enumvalue"):
            yield value, f"{name}::{value.findtext('name')}"


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.xml"))
    compounds = [c for file in files for c in ElementTree.parse(file).iter("compounddef")]
    names = [pair for compound in compounds if compound.get("prot") != "private" for pair in names_in(compound)]
    undescribed = [pair for pair in names if not is_described(pair[0])]
    for element, name in undescribed:
        place = element.find("location")
        where = "" if place is None else f"{place.get('file')}:{place.get('line')}: "
        print(f"{where}{name} is not described", file=sys.stderr)
    if not names:
        print("no name was found", file=sys.stderr)
    return 1 if undescribed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
