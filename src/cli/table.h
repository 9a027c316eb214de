/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: rows of text in columns as wide as their widest cell. Cells are text
 * of strangers: everything but printable ASCII is escaped.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "cli/cli.h"

#define TABLE_COLUMNS_MAX 9u

/* Longer cells are cut, with "..." at the end, but in the last column. */
#define TABLE_CELL_MAX 60u

struct table_row {
	struct str cells[TABLE_COLUMNS_MAX];
};

struct table {
	struct arena *arena;
	const char *const *heads; /* "SESSIONS"; a leading '>' aligns right */
	size_t columns;
	bool no_heads; /* goes on below one that has been printed */
	struct table_row *items;
	size_t n, cap;
};

/* An empty table; heads has columns entries, which are borrowed. */
struct table table_of(
	struct arena *a, const char *const *heads, size_t columns);

/* A new row with empty cells, valid until the next one; aborts at the cap. */
struct table_row *table_add(struct table *t);

/* Cells: a copy of s, escaped; or a number. */
struct str table_text(struct table *t, struct str s);
struct str table_number(struct table *t, int64_t n);

/* Prints heads and rows, each line after the indent. */
void table_print(
	const struct cli *cli, const struct table *t, const char *indent);
