/* SPDX-License-Identifier: Apache-2.0 */
/* digest_rows: reports as they were read, to what the store takes. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "intake/digest_owner.h"
#include "intake/digest_reader.h"
#include "io/spool.h"
#include "store/store.h"

/* A file of the spool and all that was made of it, which lives in arena. */
struct digest_file {
	struct arena *arena;
	struct str name;
	struct spool_meta meta;
	struct str body;
	struct digest_reports reports;
	struct store_report *rows; /* of each report, without ids */
	size_t budgeted; /* so many of them, which are not stored so far */
};

/*
 * Makes the rows of f's reports, each with its owner, its proof and what
 * becomes of it (digest.h). ST_INVALID: one of them is nobody's; ST_LIMIT: they
 * are too long; else as the store.
 */
enum status digest_rows_make(
	struct digest_file *f, struct digest_known *known, struct err *e);
