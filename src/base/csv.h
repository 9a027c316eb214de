/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv: lines of comma-separated values (RFC 4180) that a spreadsheet reads as
 * text and numbers only. A cell that a spreadsheet might take for a formula
 * begins with an apostrophe: strangers write the cells.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/sbuf.h"

struct csv_writer {
	struct sbuf *out;
	bool comma; /* the next cell needs one before it */
};

struct csv_writer csv_writer_of(struct sbuf *out);
void csv_put_str(struct csv_writer *w, struct str cell);
void csv_put_int(struct csv_writer *w, int64_t cell);
void csv_end_line(struct csv_writer *w);
