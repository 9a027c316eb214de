/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollup_sums: what a transaction adds to the table rollup, added up in memory
 * and written once: reports that come together share most of their days,
 * reporters and results. For this folder only.
 */
#pragma once

#include <stdbool.h>

#include "store/rollup_series.h"

struct rollup_row {
	struct rollup_series of;
	int64_t day;
	int64_t n, ok, failed;
};

struct rollup_sums;

struct rollup_sums *rollup_sums_new(void);
void rollup_sums_free(struct rollup_sums **sums);

/*
 * Adds n, ok and failed, all of which may be negative, to the row and to that
 * of all domains; copies the row.
 */
void rollup_sums_add(struct rollup_sums *sums, const struct rollup_row *row);

/* Many enough that they should be written now. */
bool rollup_sums_full(const struct rollup_sums *sums);

/*
 * Writes all of it and forgets it; in the order of keys, so that transactions
 * that meet in a row do not wait for each other in a ring.
 */
enum status rollup_sums_write(
	struct rollup_sums *sums, struct store *s, struct err *e);
void rollup_sums_forget(struct rollup_sums *sums);
