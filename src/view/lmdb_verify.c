/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_verify: is the file what the writer wrote? */
#include <sys/stat.h>

#include "view/lmdb_writer_own.h"

#include "base/poison.h"

/* Is value what belongs under key? */
static bool value_ok(struct arena *a, struct str key, struct str value)
{
	struct view_label label;
	struct view_state state;
	struct view_host host;
	struct view_name name;
	struct view_step step;
	struct view_zone zone;

	if (str_eq(key, VIEW_KEY_ZONE))
		return view_zone_read(value, &zone) == ST_OK;
	if (str_eq(key, VIEW_KEY_STATE))
		return view_state_read(value, &state) == ST_OK;
	switch (key.n == 0 ? 0 : key.p[0]) {
	case VIEW_KEY_HOST:
		return view_host_read(a, value, &host) == ST_OK;
	case VIEW_KEY_LABEL:
		return view_label_read(value, &label) == ST_OK;
	case VIEW_KEY_NAME:
		return view_name_read(a, value, &name) == ST_OK;
	case VIEW_KEY_JOURNAL:
		return view_step_read(a, value, &step) == ST_OK;
	default:
		return false;
	}
}

enum status view_writer_check(struct view_writer *w, struct err *e)
{
	uint64_t used, max;
	struct stat st;

	view_writer_usage(w, &used, &max);
	if (stat(w->path, &st) == 0 && st.st_ino == w->ino &&
		(uint64_t)st.st_size >= used)
		return ST_OK;
	return err_set(e, ST_PERM,
		"%s: the view is missing, cut off, or was replaced", w->path);
}

enum status view_writer_verify(struct view_writer *w, struct err *e)
{
	enum status st = view_writer_check(w, e);
	struct arena *a = arena_must(0);
	MDB_cursor *cursor = NULL;
	MDB_txn *txn = NULL;
	MDB_val key, value;
	bool ok = true;
	int rc = 0;

	if (st == ST_OK)
		rc = mdb_txn_begin(w->env, NULL, MDB_RDONLY, &txn);
	if (st == ST_OK && rc == 0)
		rc = mdb_cursor_open(txn, w->dbi, &cursor);
	while (st == ST_OK && ok && rc == 0) {
		rc = lmdb_move(cursor, &key, &value, MDB_NEXT);
		if (rc == 0)
			ok = value_ok(a,
				(struct str){ key.mv_data, key.mv_size },
				(struct str){ value.mv_data, value.mv_size });
		arena_reset(a);
	}
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	if (txn != NULL)
		mdb_txn_abort(txn);
	arena_free(&a);
	if (st == ST_OK && (!ok || rc != MDB_NOTFOUND))
		st = err_set(e, ST_PERM, "%s: the view is damaged", w->path);
	return st;
}
