-- A fine may fit the index of any of several years: asked of 13 rows, and only where the column is named and a fine set.
select
    record.*,
    case
        when record.fine_kzt is not null
            then exists (
                select from reference.mci as index
                where
                    index.valid_from <= record.decision_date
                    and index.valid_from > record.decision_date - 800
                    and abs(record.fine_kzt - record.fine_mci * index.amount_kzt)
                    <= 1
            )
    end as fine_fits_index
from record
