"""Who ordered: customers by their id, guests each their own, masked ids told apart, the same person known."""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.shop import privacy
from custmeasure.shop.exports.fold import filled, joined
from custmeasure.shop.exports.values import Values, map_texts

if TYPE_CHECKING:
    from custmeasure.shop.exports.sheet import Sheet

_NOBODY = pa.scalar(None, pa.string())


def customer(sheet: "Sheet") -> Values | None:
    """Return who ordered; a guest checkout is a customer of its own."""
    known = _known(sheet)
    order = sheet.keys(sheet.mapping.rows.group)
    if known is None or order is None:
        return known
    return pc.coalesce(known, pc.binary_join_element_wise("guest", order, "-"))


def is_guest(sheet: "Sheet") -> Values | None:
    """Return whether there was no account; None where the export does not tell."""
    if not any(name in sheet.columns for name in sheet.mapping.customer.id):
        return None
    known = _known(sheet)
    return None if known is None else pc.is_null(known)


def person(sheet: "Sheet") -> Values | None:
    """Return the same pseudonym for the same phone or e-mail, whether guest or not."""
    found = pseudonyms(sheet, sheet.first(sheet.mapping.customer.person, "text"))
    return None if found is None or found.null_count == len(found) else found


def _known(sheet: "Sheet") -> Values | None:
    """Return the customer of each row's order, empty for guests."""
    ids = sheet.first(sheet.mapping.customer.id, "text")
    if ids is None:
        ids = pseudonyms(sheet, sheet.first(sheet.mapping.customer.instead, "text"))
    else:
        ids = unnamed(sheet, _unmasked(sheet, ids))
    return None if ids is None else filled(ids, sheet.group)


def pseudonyms(sheet: "Sheet", values: Values | None) -> Values | None:
    """Return pseudonyms; a masked value (``010-****-5678``) names nobody."""
    if values is None:
        return None
    whole = _without_masked(values)
    if whole.null_count == len(whole):
        return whole
    return pa.chunked_array([privacy.pseudonyms(whole, sheet.key())])


def unnamed(sheet: "Sheet", ids: Values) -> Values:
    """Return ids, those that are a phone or an e-mail as pseudonyms."""
    contact = privacy.contact_values(ids)
    if not pc.any(contact).as_py():
        return ids
    hidden = privacy.pseudonyms(pc.if_else(contact, ids, _NOBODY), sheet.key())
    return pc.coalesce(pa.chunked_array([hidden]), ids)


def _unmasked(sheet: "Sheet", ids: Values) -> Values:
    """Tell apart the customers behind a masked id (``hong*****``) by what else is known of them."""
    masked = pc.fill_null(pc.match_substring(ids, "*"), False)
    known = [
        _without_masked(column)
        for name in sheet.mapping.customer.masked_with
        if (column := sheet.value(name, "text")) is not None
    ]
    if not known or not pc.any(masked).as_py():
        return ids
    helped = joined([ids, map_texts(pc.coalesce(*known), privacy.normalise)])
    both = pc.if_else(masked, helped, _NOBODY)
    if both.null_count == len(both):
        return ids
    return pc.coalesce(pa.chunked_array([privacy.pseudonyms(both, sheet.key())]), ids)


def _without_masked(values: Values) -> Values:
    return pc.if_else(pc.match_substring(values, "*"), _NOBODY, values)
