/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_keep: how long raw reports are kept in spool/done and spool/bad. Once a
 * day, a few files at a time, those go that are older than their rows may be,
 * and those of which no row tells anything: they came a second time, or their
 * rows are gone. The latter stay for a month, so that a database that was lost
 * can still be filled from them.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "io/spool.h"
#include "store/store.h"

#define RAW_KEEP_FILES 200u /* looked at in one step */
#define RAW_KEEP_ORPHAN_S (30 * UTC_DAY_S)

struct raw_keep;

struct raw_keep_options {
	struct store *store;
	struct spool *spool;
	int64_t keep_s;
	const struct clock *clock;
};

struct raw_keep *raw_keep_new(const struct raw_keep_options *options);
void raw_keep_free(struct raw_keep **k);

/*
 * Looks at some files if it is time to; *more: call again soon. ST_TEMP: the
 * database or the folder cannot be read; it goes on where it was.
 */
enum status raw_keep_step(struct raw_keep *k, bool *more, struct err *e);
