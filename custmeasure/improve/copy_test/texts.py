"""The queries of a copy test, in pieces that stand in every one of them: constant texts, values bound.

Read from the top: who entered (`CHOSEN`), what they did near their exposure (`NEARBY`), what that makes a
unit (`DONE`, `SEGMENTED`, `COUNTED`), and what is returned (`MOMENTS`, `CLASSES`, `BELOW`, `RANKED`).
"""

EXPERIMENTS = """
    SELECT experiment, count(*) AS n FROM exposures
    WHERE experiment IS NOT NULL GROUP BY experiment ORDER BY experiment"""
EVENTS = "SELECT event, count(*) AS n FROM events GROUP BY event ORDER BY n DESC, event"

# Which units of the experiment exist at all in the table that is to say what they did.
KNOWN = """
    WITH units AS (
        SELECT DISTINCT unit FROM exposures WHERE experiment = $experiment AND unit IS NOT NULL)
    SELECT count(*) AS n FROM units WHERE unit IN (SELECT unit FROM known)"""

CHOSEN = """
    WITH seen AS (
        SELECT unit, variant, moment FROM exposures
        WHERE experiment = $experiment AND unit IS NOT NULL AND variant IS NOT NULL
              AND moment IS NOT NULL
              AND ($as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ))),
    entered AS (
        SELECT unit, min(variant) AS variant, min(moment) AS first_at,
               min(moment) + CAST($window AS INTERVAL) AS last_at,
               min(variant) <> max(variant) AS crossed
        FROM seen GROUP BY unit),
    chosen AS (
        SELECT *, $as_of IS NOT NULL AND last_at > CAST($as_of AS TIMESTAMPTZ) AS pending
        FROM entered
        WHERE ($start IS NULL OR first_at >= CAST($start AS TIMESTAMPTZ))
              AND ($before IS NULL OR first_at < CAST($before AS TIMESTAMPTZ)))"""

ENROLLED = """
    SELECT variant,
           count(*) FILTER (WHERE NOT crossed) AS n_enrolled,
           count(*) FILTER (WHERE crossed) AS n_crossover,
           count(*) FILTER (WHERE NOT crossed AND pending) AS n_pending,
           count(*) FILTER (WHERE NOT crossed AND NOT pending) AS n_units,
           min(first_at) AS first_at, max(first_at) AS last_at
    FROM (SELECT DISTINCT variant FROM seen) AS variants LEFT JOIN chosen USING (variant)
    GROUP BY variant ORDER BY variant"""

# An order counts once: for the unit of its customer that entered the test last before it (an order from
# before the test, for the one that entered first after it).
LINKED = """,
    owned AS (
        SELECT chosen.unit, items.moment, items.amount, items.other,
               row_number() OVER (
                   PARTITION BY items.row_id, items.moment >= chosen.first_at
                   ORDER BY CASE WHEN items.moment >= chosen.first_at THEN chosen.first_at END DESC,
                            chosen.first_at, chosen.unit) AS turn
        FROM chosen
        JOIN (SELECT DISTINCT unit, customer FROM links WHERE customer IS NOT NULL) AS links
             ON links.unit = chosen.unit
        JOIN items ON items.customer = links.customer
        WHERE items.moment BETWEEN chosen.first_at - CAST($lead AS INTERVAL) AND chosen.last_at),
    actions AS (
        SELECT unit, moment, CAST(NULL AS VARCHAR) AS what, amount, other FROM owned WHERE turn = 1)"""

# A refund that is not known yet at `as_of` does not count.
NET = """,
    items AS (
        SELECT row_id, customer, moment, CAST(NULL AS DOUBLE) AS other,
               net_amount(amount, discount, CASE
                   WHEN $as_of IS NULL OR refunded_at IS NULL
                        OR refunded_at <= CAST($as_of AS TIMESTAMPTZ)
                   THEN refund END) AS amount
        FROM orders)"""

NEAR = """,
    near AS (
        SELECT chosen.unit, actions.moment >= chosen.first_at AS inside, actions.amount,
               actions.other, $event IS NULL OR actions.what = $event AS top,
               $per IS NULL OR actions.what = $per AS bottom
        FROM chosen JOIN actions ON actions.unit = chosen.unit
        WHERE actions.moment BETWEEN chosen.first_at - CAST($lead AS INTERVAL) AND chosen.last_at)"""

DONE = """,
    done AS (
        SELECT unit,
               CASE $top
                   WHEN 'any' THEN least(count(*) FILTER (WHERE inside AND top), 1)
                   WHEN 'count' THEN count(*) FILTER (WHERE inside AND top)
                   ELSE sum(amount) FILTER (WHERE inside AND top) END AS y,
               CASE $bottom
                   WHEN 'count' THEN count(*) FILTER (WHERE inside AND bottom)
                   ELSE sum(other) FILTER (WHERE inside AND bottom) END AS d,
               CASE $top
                   WHEN 'any' THEN least(count(*) FILTER (WHERE NOT inside AND top), 1)
                   WHEN 'count' THEN count(*) FILTER (WHERE NOT inside AND top)
                   ELSE sum(amount) FILTER (WHERE NOT inside AND top) END AS x,
               CASE $bottom
                   WHEN 'count' THEN count(*) FILTER (WHERE NOT inside AND bottom)
                   ELSE sum(other) FILTER (WHERE NOT inside AND bottom) END AS w
        FROM near GROUP BY unit)"""

# What a unit was when it entered; later marks could be made by the test itself. Of marks of the same
# instant the first by name counts.
MARKED = """,
    marked AS (
        SELECT unit, min(mark) AS segment
        FROM (
            SELECT chosen.unit, marks.mark, marks.moment,
                   max(marks.moment) OVER (PARTITION BY chosen.unit) AS latest
            FROM chosen JOIN marks ON marks.unit = chosen.unit
            WHERE marks.moment <= chosen.first_at AND marks.mark IS NOT NULL) AS before
        WHERE moment = latest GROUP BY unit)"""

UNMARKED = """,
    marked AS (SELECT unit, CAST(NULL AS VARCHAR) AS segment FROM chosen WHERE false)"""

COUNTED = """,
    counted AS (
        SELECT chosen.variant, marked.segment,
               CAST(timezone($timezone, chosen.last_at) AS DATE) AS day,
               CAST(coalesce(done.y, 0) AS DOUBLE) AS raw,
               CAST(coalesce(done.d, 0) AS DOUBLE) AS d,
               CAST(coalesce(done.x, 0) AS DOUBLE) AS before,
               CAST(coalesce(done.w, 0) AS DOUBLE) AS w
        FROM chosen LEFT JOIN done USING (unit) LEFT JOIN marked USING (unit)
        WHERE NOT crossed AND NOT pending),
    limits AS (
        SELECT coalesce(CAST($cap AS DOUBLE),
                        quantile_cont(raw, $cap_share) FILTER (WHERE raw > 0), 1e300) AS cap
        FROM counted),
    units AS (
        SELECT counted.*, limits.cap, least(raw, cap) AS y, least(before, cap) AS x
        FROM counted CROSS JOIN limits)"""

_PAIRS = """
           avg(y) AS y, avg(d) AS d, avg(x) AS x, avg(w) AS w,
           var_samp(y) AS yy, var_samp(d) AS dd, var_samp(x) AS xx, var_samp(w) AS ww,
           covar_samp(y, d) AS yd, covar_samp(y, x) AS yx, covar_samp(y, w) AS yw,
           covar_samp(d, x) AS dx, covar_samp(d, w) AS dw, covar_samp(x, w) AS xw
    FROM units"""

MOMENTS = (
    """
    SELECT variant, day, segment,
           CASE WHEN grouping(day) = 0 THEN 'day' WHEN grouping(segment) = 0 THEN 'segment'
                ELSE 'all' END AS part,
           count(*) AS n, count(*) FILTER (WHERE raw <> 0) AS n_did,
           max(cap) AS cap, count(*) FILTER (WHERE raw > cap) AS n_capped, sum(raw) AS total_raw,
           max(y) AS largest, skewness(y) AS skew,"""
    + _PAIRS
    + """
    GROUP BY GROUPING SETS ((variant), (variant, day), (variant, segment))
    ORDER BY part, variant, day, segment"""
)
CLASSES = "SELECT y, d, x, w, count(*) AS n FROM units GROUP BY y, d, x, w ORDER BY y, d, x, w"

# The same by stratum; a unit of which none is known is in a stratum of its own.
CELLS = (
    """
    SELECT variant, day, coalesce(segment, '(none)') AS stratum, count(*) AS n,
           count(*) FILTER (WHERE raw <> 0) AS n_did,"""
    + _PAIRS
    + """
    GROUP BY variant, day, coalesce(segment, '(none)') ORDER BY variant, day, stratum"""
)
STRATA_CLASSES = """
    SELECT y, d, x, w, coalesce(segment, '(none)') AS stratum, count(*) AS n FROM units
    GROUP BY y, d, x, w, coalesce(segment, '(none)') ORDER BY stratum, y, d, x, w"""

# How many units of the experiment had more than one value of a column, whenever it was seen.
CHANGING = """
    WITH units AS (
        SELECT DISTINCT unit FROM exposures WHERE experiment = $experiment AND unit IS NOT NULL),
    several AS (
        SELECT unit FROM marks WHERE mark IS NOT NULL AND unit IN (SELECT unit FROM units)
        GROUP BY unit HAVING min(mark) <> max(mark))
    SELECT count(*) AS n FROM several"""

# The values of a quantile: rows, not units; a unit may have several.
VALUED = """,
    valued AS (
        SELECT chosen.variant, chosen.unit, near.amount AS value
        FROM chosen JOIN near USING (unit)
        WHERE near.inside AND near.top AND near.amount IS NOT NULL
              AND NOT chosen.crossed AND NOT chosen.pending),
    middles AS (
        SELECT variant, quantile_disc(value, $share) AS middle FROM valued GROUP BY variant)"""

BELOW = """,
    per_unit AS (
        SELECT variant, unit, middle, CAST(count(*) FILTER (WHERE value <= middle) AS DOUBLE) AS b,
               CAST(count(*) AS DOUBLE) AS m
        FROM valued JOIN middles USING (variant) GROUP BY variant, unit, middle)
    SELECT variant, middle, count(*) AS n, sum(m) AS n_values, avg(b) AS b, avg(m) AS m,
           var_samp(b) AS bb, var_samp(m) AS mm, covar_samp(b, m) AS bm
    FROM per_unit GROUP BY variant, middle ORDER BY variant"""

RANKED = """,
    ranked AS (
        SELECT variant, value, row_number() OVER (PARTITION BY variant ORDER BY value) AS place
        FROM valued)
    SELECT variant, place, value FROM ranked JOIN wanted USING (variant, place)
    ORDER BY variant, place"""

# Every value with its unit, as a number: what random splits of a quantile are drawn from.
DRAWN = """
    SELECT dense_rank() OVER (ORDER BY unit) - 1 AS place, value FROM valued ORDER BY value, place"""

# What units did near their exposure, by where it is written: in rows that name the unit, in rows of
# customers, or in orders, of which the net amount counts.
NEARBY = {
    "unit": CHOSEN + NEAR,
    "customer": CHOSEN + LINKED + NEAR,
    "net": CHOSEN + NET + LINKED + NEAR,
}
SEGMENTED = {True: MARKED, False: UNMARKED}
