/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip: the files of a small archive (PKWARE APPNOTE 6.3.10), stored or
 * deflated. What comes out is capped in number, bytes and ratio over all files
 * together, so that files which share their bytes are no bomb either. Archives
 * that are encrypted, in parts, or larger than 4 GB are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/gzip.h"

#define ZIP_FILES_MAX 16u

struct zip_file {
	struct str name; /* as it stands there: any bytes */
	struct str bytes;
};

struct zip_files {
	struct zip_file items[ZIP_FILES_MAX];
	size_t n;
};

/* Does it begin like an archive? */
bool zip_looks_like(struct str s);

/*
 * Unpacks all files into a; folders are passed over. ST_INVALID: no archive, a
 * damaged one, or one of a kind that is not read; ST_LIMIT: a cap, or memory.
 */
enum status zip_unpack(struct arena *a, struct str in,
	struct gzip_limits limits, struct zip_files *out, struct err *e);
