/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_db: the SQLite engine.
 *
 * WAL, so that readers and the writer of other processes do not wait for each
 * other; synchronous=FULL, so that a commit survives a power cut. Transactions
 * are IMMEDIATE: a deferred one that turns writer late can fail with BUSY at
 * once, whatever the busy timeout. The cache of pages holds the sums of some
 * years: with the 2 MB of SQLite's own choice they are read from the file, and
 * those of large transactions written, again and again.
 */
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/db.h"

#include "base/poison.h"

#define BUSY_MS 10000
#define BUSY_LOOK_MS 10

struct db {
	sqlite3 *conn;
};

struct db_stmt {
	sqlite3_stmt *stmt;
};

static enum status status_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return ST_INVALID;
	case SQLITE_ERROR: /* what is asked, and what is there, do not fit */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return ST_PERM;
	default:
		return ST_TEMP;
	}
}

static enum status fail(sqlite3 *conn, int rc, struct err *e)
{
	return err_set(e, status_of(rc), "database: %s",
		conn != NULL ? sqlite3_errmsg(conn) : sqlite3_errstr(rc));
}

static enum status lite_exec(struct db *db, const char *script, struct err *e)
{
	int rc = sqlite3_exec(db->conn, script, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ST_OK : fail(db->conn, rc, e);
}

static void lite_close(struct db **db)
{
	if (*db == NULL)
		return;
	BUG(sqlite3_close((*db)->conn) != SQLITE_OK);
	mem_free(*db);
	*db = NULL;
}

/*
 * Where several processes open a new database at once, each of them may hold
 * what another waits for: SQLite then says BUSY at once, whatever the busy
 * timeout.
 */
static enum status enter_wal(struct db *db, struct err *e)
{
	int64_t end = clock_mono(clock_system()).ms + BUSY_MS;
	enum status st;
	int rc;

	for (;;) {
		st = lite_exec(db, "PRAGMA journal_mode = WAL", e);
		rc = sqlite3_errcode(db->conn);
		if (st == ST_OK || (rc & 0xff) != SQLITE_BUSY ||
			clock_mono(clock_system()).ms >= end)
			return st;
		(void)sqlite3_sleep(BUSY_LOOK_MS);
	}
}

static enum status lite_open(const char *target, struct db **out, struct err *e)
{
	static const char settings[] = "PRAGMA synchronous = FULL;"
				       "PRAGMA foreign_keys = ON;"
				       "PRAGMA trusted_schema = OFF;"
				       "PRAGMA cell_size_check = ON;"
				       "PRAGMA cache_size = -16384;";
	struct db *db = mem_must(sizeof(*db));
	enum status st;
	int rc;

	rc = sqlite3_open_v2(target, &db->conn,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
		NULL);
	if (rc != SQLITE_OK) {
		st = fail(db->conn, rc, e);
		err_prefix(e, "%s", target);
		goto out;
	}
	(void)sqlite3_busy_timeout(db->conn, BUSY_MS);
	st = enter_wal(db, e);
	if (st == ST_OK)
		st = lite_exec(db, settings, e);
	if (st != ST_OK)
		err_prefix(e, "%s", target);
out:
	if (st == ST_OK) {
		*out = db;
		db = NULL;
	}
	lite_close(&db);
	return st;
}

static enum status lite_begin(struct db *db, struct err *e)
{
	return lite_exec(db, "BEGIN IMMEDIATE", e);
}

static enum status lite_commit(struct db *db, struct err *e)
{
	return lite_exec(db, "COMMIT", e);
}

static void lite_rollback(struct db *db)
{
	/* Some failures have ended the transaction already. */
	if (sqlite3_get_autocommit(db->conn) == 0)
		(void)sqlite3_exec(db->conn, "ROLLBACK", NULL, NULL, NULL);
}

/* $1 must be the first placeholder met, $2 the second: as PostgreSQL counts. */
static bool placeholders_in_order(sqlite3_stmt *stmt)
{
	for (int i = 1; i <= sqlite3_bind_parameter_count(stmt); i++) {
		char want[16];

		(void)sqlite3_snprintf(sizeof(want), want, "$%d", i);
		if (sqlite3_bind_parameter_index(stmt, want) != i)
			return false;
	}
	return true;
}

static enum status lite_prepare(
	struct db *db, const char *sql, struct db_stmt **out, struct err *e)
{
	sqlite3_stmt *raw = NULL;
	struct db_stmt *stmt;
	int rc;

	rc = sqlite3_prepare_v3(
		db->conn, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, NULL);
	if (rc != SQLITE_OK) {
		enum status st = fail(db->conn, rc, e);

		err_prefix(e, "%s", sql);
		return st;
	}
	BUG(!placeholders_in_order(raw));
	stmt = mem_must(sizeof(*stmt));
	stmt->stmt = raw;
	*out = stmt;
	return ST_OK;
}

static void lite_finalize(struct db_stmt **stmt)
{
	if (*stmt == NULL)
		return;
	(void)sqlite3_finalize((*stmt)->stmt);
	mem_free(*stmt);
	*stmt = NULL;
}

static enum status lite_bind(struct db_stmt *stmt, const struct db_arg *args,
	size_t n, struct err *e)
{
	BUG((size_t)sqlite3_bind_parameter_count(stmt->stmt) != n);
	for (size_t i = 0; i < n; i++) {
		const struct db_arg *arg = &args[i];
		const char *p = arg->str.p == NULL ? "" : arg->str.p;
		int at = (int)i + 1;
		int rc = SQLITE_ERROR;

		switch (arg->type) {
		case DB_INT:
			rc = sqlite3_bind_int64(stmt->stmt, at, arg->num);
			break;
		case DB_TEXT:
			rc = sqlite3_bind_text64(stmt->stmt, at, p, arg->str.n,
				SQLITE_STATIC, SQLITE_UTF8);
			break;
		case DB_BYTES:
			rc = sqlite3_bind_blob64(
				stmt->stmt, at, p, arg->str.n, SQLITE_STATIC);
			break;
		}
		if (rc != SQLITE_OK)
			return fail(sqlite3_db_handle(stmt->stmt), rc, e);
	}
	return ST_OK;
}

static enum status lite_step(struct db_stmt *stmt, bool *row, struct err *e)
{
	int rc = sqlite3_step(stmt->stmt);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fail(sqlite3_db_handle(stmt->stmt), rc, e);
	*row = rc == SQLITE_ROW;
	return ST_OK;
}

static int64_t lite_col_int(struct db_stmt *stmt, size_t i)
{
	return sqlite3_column_int64(stmt->stmt, (int)i);
}

static struct str lite_col_bytes(struct db_stmt *stmt, size_t i)
{
	const void *p = sqlite3_column_blob(stmt->stmt, (int)i);
	int n = sqlite3_column_bytes(stmt->stmt, (int)i);

	return (struct str){ p == NULL ? "" : p, (size_t)n };
}

static int64_t lite_changed(struct db_stmt *stmt)
{
	return sqlite3_changes64(sqlite3_db_handle(stmt->stmt));
}

static void lite_reset(struct db_stmt *stmt)
{
	(void)sqlite3_reset(stmt->stmt);
	(void)sqlite3_clear_bindings(stmt->stmt);
}

const struct db_ops sqlite_ops = {
	.in_key_order = "WITHOUT ROWID",
	.open = lite_open,
	.close = lite_close,
	.exec = lite_exec,
	.begin = lite_begin,
	.commit = lite_commit,
	.rollback = lite_rollback,
	.prepare = lite_prepare,
	.finalize = lite_finalize,
	.bind = lite_bind,
	.step = lite_step,
	.col_int = lite_col_int,
	.col_bytes = lite_col_bytes,
	.changed = lite_changed,
	.reset = lite_reset,
};
