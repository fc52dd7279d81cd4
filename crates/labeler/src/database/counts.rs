//! How many items each split of a dataset has, kept beside the items so that a list need not count them.

use hallpass_store::Connection;

/// Counts a dataset's items anew. Whoever has written items calls it in the same transaction.
pub(super) async fn recount_splits(
    change: &mut Connection,
    number: i64,
) -> Result<(), sqlx::Error> {
    for statement in [
        "DELETE FROM split_counts WHERE dataset = $1",
        "INSERT INTO split_counts (dataset, split, item_count) \
         SELECT dataset, split, CAST(COUNT(*) AS BIGINT) FROM items WHERE dataset = $1 AND split <> '' GROUP BY dataset, split",
    ] {
        sqlx::query(statement).bind(number).execute(&mut *change).await?;
    }
    Ok(())
}
