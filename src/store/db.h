/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: one connection to a database engine, for this folder only. The engines
 * differ in this table and nowhere else: the operations are written once, in
 * SQL that SQLite and PostgreSQL both take as it is ($1 placeholders, each used
 * in order of first mention; ON CONFLICT; RETURNING).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct db;
struct db_stmt;

struct db_arg {
	enum { DB_INT, DB_TEXT, DB_BYTES } type;
	int64_t num;
	struct str str; /* DB_TEXT: UTF-8 without NUL */
};

#define DB_I(v) ((struct db_arg){ .type = DB_INT, .num = (v) })
#define DB_T(v) ((struct db_arg){ .type = DB_TEXT, .str = (v) })

struct db_ops {
	/* Behind CREATE TABLE (...): rows lie in the order of their key. */
	const char *in_key_order;
	enum status (*open)(const char *target, struct db **out, struct err *e);
	void (*close)(struct db **db);
	/* Several statements without results. */
	enum status (*exec)(struct db *db, const char *script, struct err *e);
	/* Takes the write lock at once. */
	enum status (*begin)(struct db *db, struct err *e);
	enum status (*commit)(struct db *db, struct err *e);
	void (*rollback)(struct db *db);
	enum status (*prepare)(struct db *db, const char *sql,
		struct db_stmt **out, struct err *e);
	void (*finalize)(struct db_stmt **stmt);
	/* The arguments must stay valid until reset. */
	enum status (*bind)(struct db_stmt *stmt, const struct db_arg *args,
		size_t n, struct err *e);
	/* *row: false at the end. */
	enum status (*step)(struct db_stmt *stmt, bool *row, struct err *e);
	int64_t (*col_int)(struct db_stmt *stmt, size_t i);
	/* Borrowed until the next step or reset. */
	struct str (*col_bytes)(struct db_stmt *stmt, size_t i);
	/* Rows the last write changed; call it before reset. */
	int64_t (*changed)(struct db_stmt *stmt);
	/* Makes the statement ready to be bound again. */
	void (*reset)(struct db_stmt *stmt);
};

extern const struct db_ops sqlite_ops;
