/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: how the rows of store.h lie in the database. Each noun lists its
 * columns once; reading, inserting and updating follow from the list.
 */
#pragma once

#include <stddef.h>

#include "base/vec.h"
#include "store/db.h"
#include "store/store.h"

enum column_type {
	COL_TEXT,  /* struct str, UTF-8 */
	COL_WORDS, /* struct str, a stranger's: what is no UTF-8 becomes '?' */
	COL_BYTES, /* struct str, anything */
	COL_INT,   /* int64_t */
	COL_BOOL,  /* bool, stored as 0 or 1 */
	COL_ENUM,  /* enum, 0 .. max */
	COL_LINES, /* struct store_strs, joined by line feeds */
	COL_BLOBS, /* struct store_strs of any bytes, each with its length */
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset; /* in the row struct */
	unsigned max;  /* COL_ENUM */
};

/* The versions of clang-format differ in macros that are a brace. */
/* clang-format off */
#define COLUMN(col_name, col_type, at)                                         \
	{                                                                      \
		.name = (col_name), .type = (col_type), .offset = (at)         \
	}
#define COLUMN_ENUM(col_name, at, highest)                                     \
	{                                                                      \
		.name = (col_name), .type = COL_ENUM, .offset = (at),          \
		.max = (highest)                                               \
	}
/* clang-format on */

struct table {
	const char *name;
	const struct column *columns; /* the first n_key are the key */
	size_t n, n_key;
	size_t row_size;
};

/* clang-format off */
#define TABLE(table_name, row_type, cols, keys)                                \
	{                                                                      \
		.name = (table_name), .columns = (cols),                       \
		.n = sizeof(cols) / sizeof((cols)[0]), .n_key = (keys),        \
		.row_size = sizeof(row_type),                                  \
	}
/* clang-format on */

/* Arguments of a condition: ARGS(DB_T(x), DB_I(y)). */
#define ARGS(...)                                                              \
	(const struct db_arg[]){ __VA_ARGS__ },                                \
		sizeof((const struct db_arg[]){ __VA_ARGS__ }) /               \
			sizeof(struct db_arg)
#define NO_ARGS NULL, 0

/* ST_INVALID: a constraint said no. */
enum status table_insert(
	struct store *s, const struct table *t, const void *row, struct err *e);
/* Inserts, or writes the columns beyond the key of the row that is there. */
enum status table_upsert(
	struct store *s, const struct table *t, const void *row, struct err *e);
/* Writes the columns beyond the key; ST_NOTFOUND without such a row. */
enum status table_update(
	struct store *s, const struct table *t, const void *row, struct err *e);

/* SELECT the columns of t FROM t and what tail says; ST_NOTFOUND: no row. */
enum status table_get(struct store *s, struct arena *a, const struct table *t,
	const char *tail, const struct db_arg *args, size_t n_args, void *out,
	struct err *e);
/* *out: an array of rows in a. */
enum status table_list(struct store *s, struct arena *a, const struct table *t,
	const char *tail, const struct db_arg *args, size_t n_args, void *out,
	size_t *n, struct err *e);

/* Runs one statement without results; *changed (may be NULL): rows. */
enum status store_run(struct store *s, const char *sql,
	const struct db_arg *args, size_t n_args, int64_t *changed,
	struct err *e);
/* The n integers of the first row; ST_NOTFOUND without a row. */
enum status store_ints(struct store *s, const char *sql,
	const struct db_arg *args, size_t n_args, int64_t *out, size_t n,
	struct err *e);

/*
 * A statement from the connection's cache, bound. Give it back with
 * store_done as soon as its rows are read.
 */
enum status store_query(struct store *s, const char *sql,
	const struct db_arg *args, size_t n_args, struct db_stmt **out,
	struct err *e);
enum status store_step(
	struct store *s, struct db_stmt *stmt, bool *row, struct err *e);
int64_t store_col_int(struct store *s, struct db_stmt *stmt, size_t i);
/* Borrowed until the next step. */
struct str store_col_bytes(struct store *s, struct db_stmt *stmt, size_t i);
void store_done(struct store *s, struct db_stmt *stmt);

/* What both engines take as text: UTF-8 without NUL. */
bool store_text_ok(struct str s);

/* See db.h. */
const char *store_in_key_order(const struct store *s);

/* What this transaction adds to the sums of reports (rollup_sums.h). */
struct rollup_sums *store_sums(struct store *s);

/*
 * A transaction around one operation, unless the caller has one open. Every
 * store_join that gave ST_OK wants its store_leave, which commits if st is
 * ST_OK, rolls back otherwise, and returns how it went.
 */
enum status store_join(struct store *s, bool *own, struct err *e);
enum status store_leave(
	struct store *s, bool own, enum status st, struct err *e);

/* Brings the schema up to date. */
enum status store_migrate(struct store *s, struct err *e);
/* Runs a script of several statements. */
enum status store_script(struct store *s, const char *script, struct err *e);
