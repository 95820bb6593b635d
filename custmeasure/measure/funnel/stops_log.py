"""The counts behind stopping: what came next, the last page, and who stopped by what they have in common.

A small value stands under ``(others)``: fewer people than ``$min_cell`` at that step, or beyond the
first ``$top`` values. The sums stay exact.
"""

LEFT = "(left)"

# The first thing a person did after the last step, within the window.
NEXT = """
    WITH found AS (
        SELECT people.step AS step, coalesce(events.event, '(left)') AS value
        FROM people LEFT JOIN events ON events.unit = people.unit
             AND events.moment > people.moment AND events.moment <= people.until
        WHERE people.stopped
        QUALIFY row_number() OVER (PARTITION BY people.who ORDER BY events.moment, events.event) = 1
    ), sizes AS (
        SELECT step, value, count(*) AS n, row_number() OVER (
            PARTITION BY step ORDER BY count(*) DESC, value) AS place
        FROM found GROUP BY step, value
    )
    SELECT step, CASE WHEN value = '(left)' OR (n >= $min_cell AND place <= $top) THEN value
                      ELSE '(others)' END AS value, CAST(sum(n) AS BIGINT) AS n, count(*) AS n_values
    FROM sizes GROUP BY ALL ORDER BY step, n DESC, value"""

# The page of the last thing a person did within the window, the last step included.
LAST_PAGE = """
    WITH found AS (
        SELECT people.step AS step, coalesce(events.page, '(none)') AS value
        FROM people LEFT JOIN events ON events.unit = people.unit AND events.page IS NOT NULL
             AND events.moment >= people.moment AND events.moment <= people.until
        WHERE people.stopped
        QUALIFY row_number() OVER (
            PARTITION BY people.who ORDER BY events.moment DESC, events.page) = 1
    ), sizes AS (
        SELECT step, value, count(*) AS n, row_number() OVER (
            PARTITION BY step ORDER BY count(*) DESC, value) AS place
        FROM found GROUP BY step, value
    )
    SELECT step, CASE WHEN n >= $min_cell AND place <= $top THEN value
                      ELSE '(others)' END AS value, CAST(sum(n) AS BIGINT) AS n, count(*) AS n_values
    FROM sizes GROUP BY ALL ORDER BY step, n DESC, value"""

# What a person was like at a step: the column's value at the event that took it.
_AT_STEP = """
    WITH at_step AS (
        SELECT people.step AS step, people.stopped AS stopped, events.trait AS trait
        FROM people JOIN events ON events.unit = people.unit AND events.moment = people.moment
             AND (events.mask & people.bit) > 0
        WHERE people.step < $last
        QUALIFY row_number() OVER (PARTITION BY people.who, people.step ORDER BY events.trait) = 1
    )"""

_FOLDED = """, sizes AS (
        SELECT step, value, count(*) AS n, count(*) FILTER (WHERE stopped) AS n_stopped,
               row_number() OVER (PARTITION BY step ORDER BY count(*) DESC, value) AS place
        FROM named GROUP BY step, value
    )
    SELECT step, CASE WHEN n >= $min_cell AND place <= $top THEN value ELSE '(others)' END AS value,
           CAST(sum(n) AS BIGINT) AS n, CAST(sum(n_stopped) AS BIGINT) AS n_stopped,
           count(*) AS n_values
    FROM sizes GROUP BY ALL ORDER BY step, n DESC, value"""

BY_NAME = (
    _AT_STEP
    + """, named AS (
        SELECT step, stopped, coalesce(trait, '(none)') AS value FROM at_step
    )"""
    + _FOLDED
)

# A number is cut at its quartiles among the people at that step.
CUTS = (
    _AT_STEP
    + """
    SELECT step, percentile_cont(0.25) WITHIN GROUP (ORDER BY trait) AS q1,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY trait) AS q2,
           percentile_cont(0.75) WITHIN GROUP (ORDER BY trait) AS q3
    FROM at_step WHERE trait IS NOT NULL GROUP BY step ORDER BY step"""
)

BY_QUARTER = (
    _AT_STEP
    + """, named AS (
        SELECT at_step.step AS step, stopped, CASE WHEN trait IS NULL THEN '(none)'
               WHEN trait <= q1 THEN '1' WHEN trait <= q2 THEN '2' WHEN trait <= q3 THEN '3'
               ELSE '4' END AS value
        FROM at_step LEFT JOIN cuts ON at_step.step = cuts.step
    )"""
    + _FOLDED
)
