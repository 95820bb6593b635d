"""The strict reader: files in, one table out, every record accounted for.

Read a table: `delivered_columns` says what its files hold, `spec_for` how they are to be read,
`read_source` reads them. `Reading` is what comes out, with an `Account` for every file.
When it does not come out: `DataBlocked` with its `Problem` lines; `write_rejected` keeps the rejected rows.
Names are loaded when they are first used: what was read can be handled without what reads it.

Inside, from the bytes up:

=============  ====================================================================================
`sniff`        what a file really is, how large it may be, whether it still grows
`encoding`     bytes to UTF-8, strictly
`scan`         bytes to records and fields, with their lines
`wide`         many bytes at a time
`kernels`      the loops over bytes that numba compiles
`values`       texts to dates, numbers and flags in a declared style
`reasons`      why a value was refused
`zones`        clocks on walls to UTC
`keys`         texts that look alike become one
`columns`      Arrow columns, block by block
`gather`       one file's records: taken in or rejected
`headers`      column names: all there, all different
`csv`          a text file
`workbook`     a workbook opened safely: sheet, header, what its XML says besides
`excel`        a worksheet
`parquet`      a Parquet file
`duplicates`   the same row delivered twice
`notes`        what a reader should know
`source`       from files to one table
`rejected`     rejected rows as a file
=============  ====================================================================================
"""

from typing import TYPE_CHECKING

from custmeasure import lazy

if TYPE_CHECKING:
    from custmeasure.shop.reader.account import Account, Reading, Rejected
    from custmeasure.shop.reader.problems import DataBlocked, Problem
    from custmeasure.shop.reader.rejected import write_rejected
    from custmeasure.shop.reader.source import delivered_columns, read_source
    from custmeasure.shop.reader.spec import Spec, spec_for

__all__ = [
    "Account",
    "DataBlocked",
    "Problem",
    "Reading",
    "Rejected",
    "Spec",
    "delivered_columns",
    "read_source",
    "spec_for",
    "write_rejected",
]

__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "custmeasure.shop.reader.account": ("Account", "Reading", "Rejected"),
        "custmeasure.shop.reader.problems": ("DataBlocked", "Problem"),
        "custmeasure.shop.reader.rejected": ("write_rejected",),
        "custmeasure.shop.reader.source": ("delivered_columns", "read_source"),
        "custmeasure.shop.reader.spec": ("Spec", "spec_for"),
    },
)
