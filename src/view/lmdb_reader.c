/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_reader: look-ups that share nothing with the writer but the page cache.
 *
 * Each look-up takes the newest snapshot, copies one value out of the map and
 * then looks whether the snapshot was still safe when the copy ended: LMDB does
 * not overwrite its pages before the second commit after it, and the writer
 * leaves time between commits. See docs/decisions/0003-view-readers.md.
 */
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "lmdb/lmdb_file.h"
#include "view/lmdb_flags.h"
#include "view/view.h"
#include "view/view_value.h"

#include "base/poison.h"

#define CHECK_EVERY_MS 1000
#define RETRY_MS 50   /* while there is no usable file */
#define TRIES 16      /* of a look-up that the writer overtakes */
#define SHORT_LOOKS 2 /* a file too short this often in a row is cut off */

struct view {
	char path[LMDB_PATH_MAX];
	const struct clock *clock;
	struct mono next_check;
	/* The open file; env == NULL: none is usable. */
	MDB_env *env;
	MDB_txn *txn; /* reset between look-ups */
	MDB_cursor *cursor;
	MDB_dbi dbi;
	dev_t dev;
	ino_t ino;
	unsigned too_short;
	struct view_zone zone; /* origin only; n == 0: no zone */
	char origin[256];
	const char *why; /* NULL: healthy */
};

/* ---- the file ------------------------------------------------------------ */

static void unhealthy(struct view *v, const char *why)
{
	if (v->why == NULL || strcmp(v->why, why) != 0)
		LOG(LOG_ERROR, "view.unusable", KV_STR("path", str_of(v->path)),
			KV_STR("why", str_of(why)));
	v->why = why;
}

static void file_close(struct view *v)
{
	if (v->cursor != NULL)
		mdb_cursor_close(v->cursor);
	if (v->txn != NULL)
		mdb_txn_abort(v->txn);
	if (v->env != NULL)
		mdb_env_close(v->env);
	v->cursor = NULL;
	v->txn = NULL;
	v->env = NULL;
}

static bool begin_first(struct view *v)
{
	if (mdb_txn_begin(v->env, NULL, MDB_RDONLY, &v->txn) != 0 ||
		mdb_dbi_open(v->txn, NULL, 0, &v->dbi) != 0 ||
		mdb_cursor_open(v->txn, v->dbi, &v->cursor) != 0)
		return false;
	mdb_txn_reset(v->txn);
	return true;
}

static const char *file_open(struct view *v)
{
	struct stat st;

	if (stat(v->path, &st) != 0)
		return errno == ENOENT ? "there is no view yet"
				       : "the view cannot be opened";
	if (!lmdb_file_plausible(v->path))
		return "the view is damaged or no view";
	if (mdb_env_create(&v->env) != 0)
		return "out of memory";
	lmdb_guard(v->env, NULL);
	if (mdb_env_open(v->env, v->path, LMDB_READER_FLAGS, 0) != 0)
		return "the view cannot be opened";
	if ((uint64_t)st.st_size < lmdb_file_needs(v->env))
		return "the view is cut off";
	if (!begin_first(v))
		return "the view is damaged";
	v->dev = st.st_dev;
	v->ino = st.st_ino;
	v->too_short = 0;
	return NULL;
}

static enum status read_origin(struct view *v);

/*
 * Once a second: is the file at path still the one that is open, and whole?
 * While none is open, the next one is looked for more often.
 */
static void check_file(struct view *v)
{
	struct mono now = clock_mono(v->clock);
	const char *why;
	struct stat st;
	bool there;

	if (now.ms < v->next_check.ms)
		return;
	v->next_check.ms = now.ms + CHECK_EVERY_MS;
	there = stat(v->path, &st) == 0;
	if (v->env != NULL && there && st.st_dev == v->dev &&
		st.st_ino == v->ino) {
		/* The last pages of a commit can trail its meta page. */
		v->too_short = (uint64_t)st.st_size < lmdb_file_needs(v->env)
				       ? v->too_short + 1
				       : 0;
		if (v->too_short < SHORT_LOOKS && v->why == NULL)
			return;
	} else if (v->env != NULL && !there && v->why == NULL) {
		return; /* removed by hand: what is open still serves */
	}
	file_close(v);
	why = file_open(v);
	if (why == NULL && read_origin(v) == ST_TEMP)
		why = "the view is damaged";
	if (why != NULL) {
		file_close(v);
		unhealthy(v, why);
		v->next_check.ms = now.ms + RETRY_MS;
		return;
	}
	if (v->why != NULL)
		LOG(LOG_INFO, "view.usable", KV_STR("path", str_of(v->path)));
	v->why = NULL;
}

/* ---- snapshots ----------------------------------------------------------- */

/* May what was read since mdb_txn_renew be believed? */
static bool still_safe(struct view *v)
{
	MDB_envinfo info;

	return mdb_env_info(v->env, &info) == 0 &&
	       info.me_last_txnid - mdb_txn_id(v->txn) <= 1;
}

/*
 * A copy of value. Its address is that of a page of the map plus at most 64 KB,
 * whatever the page says; its length must be believed only so far.
 */
static enum status copy_out(struct arena *a, MDB_val value, struct str *out)
{
	if (value.mv_size > VIEW_VALUE_MAX)
		return ST_AGAIN;
	*out = arena_str(a, (struct str){ value.mv_data, value.mv_size });
	return out->p == NULL ? ST_LIMIT : ST_OK;
}

/*
 * Runs step on a fresh snapshot until it was not overtaken. step says ST_AGAIN
 * when it met nonsense: either it was overtaken, or the file is damaged.
 */
static enum status on_snapshot(struct view *v,
	enum status (*step)(struct view *v, void *ctx), void *ctx)
{
	check_file(v);
	if (v->env == NULL)
		return ST_TEMP;
	for (int i = 0; i < TRIES; i++) {
		enum status st;
		bool safe;

		if (mdb_txn_renew(v->txn) != 0) {
			/* Damaged, or the writer has enlarged its map. */
			unhealthy(v, "the view must be opened anew");
			v->next_check.ms = 0;
			return ST_TEMP;
		}
		st = step(v, ctx);
		safe = still_safe(v);
		mdb_txn_reset(v->txn);
		if (safe && st == ST_AGAIN) {
			unhealthy(v, "the view is damaged");
			return ST_TEMP;
		}
		if (safe)
			return st;
	}
	return ST_TEMP;
}

struct get {
	const struct view_key *key;
	struct arena *a;
	struct str value;
	bool below; /* names: without a value, does anything lie below? */
};

static enum status get_step(struct view *v, void *ctx)
{
	struct get *g = ctx;
	MDB_val key = lmdb_val((struct str){ g->key->p, g->key->n });
	MDB_val value;
	int rc = lmdb_get(v->txn, v->dbi, &key, &value);

	g->below = false;
	if (rc == 0)
		return copy_out(g->a, value, &g->value);
	if (rc != MDB_NOTFOUND)
		return ST_AGAIN;
	if (g->key->p[0] != VIEW_KEY_NAME)
		return ST_NOTFOUND;
	if (mdb_cursor_renew(v->txn, v->cursor) != 0)
		return ST_AGAIN;
	rc = lmdb_move(v->cursor, &key, &value, MDB_SET_RANGE);
	if (rc != 0)
		return rc == MDB_NOTFOUND ? ST_NOTFOUND : ST_AGAIN;
	g->below = key.mv_size > g->key->n &&
		   memcmp(key.mv_data, g->key->p, g->key->n) == 0;
	return ST_NOTFOUND;
}

static enum status get_value(struct view *v, struct arena *a,
	const struct view_key *key, struct str *value, bool *below)
{
	struct get g = { .key = key, .a = a };
	enum status st = on_snapshot(v, get_step, &g);

	if (st == ST_OK)
		*value = g.value;
	if (below != NULL)
		*below = g.below;
	return st;
}

/* What a value reader said, as view.h says it. */
static enum status decoded(struct view *v, enum status st)
{
	if (st != ST_INVALID)
		return st;
	unhealthy(v, "the view is damaged");
	return ST_TEMP;
}

static struct view_key single_key(struct str name)
{
	struct view_key key = { .n = name.n };

	memcpy(key.p, name.p, name.n);
	return key;
}

/* The origin of a file never changes. */
static enum status read_origin(struct view *v)
{
	struct view_key key = single_key(VIEW_KEY_ZONE);
	struct arena *a = arena_must(0);
	struct view_zone zone;
	struct str value;
	enum status st;

	v->zone = (struct view_zone){};
	st = get_value(v, a, &key, &value, NULL);
	if (st == ST_OK)
		st = decoded(v, view_zone_read(value, &zone));
	if (st == ST_OK && zone.origin.n < sizeof(v->origin)) {
		memcpy(v->origin, zone.origin.p, zone.origin.n);
		v->zone.origin = (struct str){ v->origin, zone.origin.n };
	}
	arena_free(&a);
	return st;
}

/* ---- exported ------------------------------------------------------------ */

enum status view_open(const char *path, const struct clock *clock,
	struct view **out, struct err *e)
{
	struct view *v = mem_must(sizeof(*v));

	if (snprintf(v->path, sizeof(v->path), "%s", path) >=
		(int)sizeof(v->path)) {
		mem_free(v);
		return err_set(e, ST_PERM, "%.64s...: path too long", path);
	}
	v->clock = clock == NULL ? clock_system() : clock;
	v->next_check = clock_mono(v->clock);
	check_file(v);
	*out = v;
	return ST_OK;
}

void view_close(struct view **v)
{
	if (*v == NULL)
		return;
	file_close(*v);
	mem_free(*v);
	*v = NULL;
}

bool view_healthy(const struct view *v, const char **why)
{
	if (why != NULL)
		*why = v->why == NULL ? "" : v->why;
	return v->why == NULL;
}

enum status view_host_get(
	struct view *v, struct arena *a, struct str host, struct view_host *out)
{
	struct view_key key;
	struct view_host h;
	struct str value;
	enum status st;

	if (view_key_host(host, &key) != ST_OK)
		return ST_NOTFOUND;
	st = get_value(v, a, &key, &value, NULL);
	if (st == ST_OK)
		st = decoded(v, view_host_read(a, value, &h));
	if (st == ST_OK)
		*out = h;
	return st;
}

enum status view_label_get(struct view *v, struct arena *a, struct str label,
	struct view_label *out)
{
	struct view_key key;
	struct view_label l;
	struct str value;
	enum status st;

	if (view_key_label(label, &key) != ST_OK)
		return ST_NOTFOUND;
	st = get_value(v, a, &key, &value, NULL);
	if (st == ST_OK)
		st = decoded(v, view_label_read(value, &l));
	if (st == ST_OK)
		*out = l;
	return st;
}

static bool in_zone(const struct view *v, struct str owner)
{
	struct str origin = v->zone.origin;

	return origin.n > 0 && str_ends_nocase(owner, origin) &&
	       (owner.n == origin.n || owner.p[owner.n - origin.n - 1] == '.');
}

enum status view_name_get(struct view *v, struct arena *a, struct str owner,
	struct view_name *out)
{
	struct view_name got = { .kind = VIEW_NAME_OUTSIDE };
	struct view_key key;
	struct str value;
	enum status st;
	bool below;

	check_file(v);
	if (v->env == NULL)
		return ST_TEMP;
	if (!in_zone(v, owner) || view_key_name(owner, &key) != ST_OK) {
		*out = got;
		return ST_OK;
	}
	st = get_value(v, a, &key, &value, &below);
	if (st == ST_OK) {
		st = decoded(v, view_name_read(a, value, &got));
	} else if (st == ST_NOTFOUND) {
		got.kind = below ? VIEW_NAME_EMPTY : VIEW_NAME_MISSING;
		st = ST_OK;
	}
	if (st == ST_OK)
		*out = got;
	return st;
}

enum status view_zone_get(
	struct view *v, struct arena *a, struct view_zone *out)
{
	struct view_key key = single_key(VIEW_KEY_ZONE);
	struct view_zone zone;
	struct str value;
	enum status st;

	st = get_value(v, a, &key, &value, NULL);
	if (st == ST_OK)
		st = decoded(v, view_zone_read(value, &zone));
	if (st == ST_OK)
		*out = zone;
	return st;
}

struct walk {
	struct arena *a;
	uint32_t serial;
	const struct view_key *after;
	bool skip; /* after itself was given out already */
	size_t max, n;
	struct str *values;
};

static enum status walk_serial(struct view *v, struct walk *w)
{
	MDB_val key = lmdb_val(VIEW_KEY_ZONE);
	struct view_zone zone;
	struct str copy;
	MDB_val value;
	enum status st;

	if (lmdb_get(v->txn, v->dbi, &key, &value) != 0)
		return ST_AGAIN;
	st = copy_out(w->a, value, &copy);
	if (st != ST_OK)
		return st;
	if (view_zone_read(copy, &zone) != ST_OK)
		return ST_AGAIN;
	return zone.serial == w->serial ? ST_OK : ST_NOTFOUND;
}

/* ST_NOTFOUND: another serial. */
static enum status walk_step(struct view *v, void *ctx)
{
	struct walk *w = ctx;
	MDB_val key = lmdb_val((struct str){ w->after->p, w->after->n });
	MDB_cursor_op op = MDB_SET_RANGE;
	enum status st = walk_serial(v, w);
	bool skip = w->skip;
	MDB_val value;

	w->n = 0;
	if (st == ST_OK && mdb_cursor_renew(v->txn, v->cursor) != 0)
		st = ST_AGAIN;
	while (st == ST_OK && w->n < w->max) {
		int rc = lmdb_move(v->cursor, &key, &value, op);

		op = MDB_NEXT;
		if (rc == MDB_NOTFOUND)
			break;
		if (rc != 0)
			return ST_AGAIN;
		if (key.mv_size == 0 || *(char *)key.mv_data != VIEW_KEY_NAME)
			break;
		if (skip && key.mv_size == w->after->n &&
			memcmp(key.mv_data, w->after->p, key.mv_size) == 0)
			continue;
		st = copy_out(w->a, value, &w->values[w->n]);
		w->n++;
	}
	return st;
}

enum status view_zone_walk(struct view *v, struct arena *a, uint32_t serial,
	struct str *after, size_t max, struct view_name **out, size_t *n)
{
	struct view_key first = { .n = 1, .p = { VIEW_KEY_NAME } };
	struct walk w = { .a = a, .serial = serial, .max = max };
	struct view_name *names;
	enum status st;

	w.skip = after->n > 0;
	w.after = &first;
	if (w.skip && view_key_name(*after, &first) != ST_OK)
		return ST_NOTFOUND;
	w.values = arena_array(a, max, sizeof(*w.values));
	names = arena_array(a, max, sizeof(*names));
	if (w.values == NULL || names == NULL)
		return ST_LIMIT;
	st = on_snapshot(v, walk_step, &w);
	if (st == ST_NOTFOUND)
		return ST_AGAIN;
	for (size_t i = 0; st == ST_OK && i < w.n; i++)
		st = decoded(v, view_name_read(a, w.values[i], &names[i]));
	if (st != ST_OK)
		return st;
	*out = names;
	*n = w.n;
	if (w.n > 0)
		*after = names[w.n - 1].owner;
	return ST_OK;
}

enum status view_journal_get(
	struct view *v, struct arena *a, uint32_t serial, struct view_step *out)
{
	struct view_step step;
	struct view_key key;
	struct str value;
	enum status st;

	view_key_journal(serial, &key);
	st = get_value(v, a, &key, &value, NULL);
	if (st == ST_OK)
		st = decoded(v, view_step_read(a, value, &step));
	if (st == ST_OK)
		*out = step;
	return st;
}

enum status view_info_get(struct view *v, struct view_info *out)
{
	struct view_key key = single_key(VIEW_KEY_STATE);
	struct arena *a = arena_must(0);
	struct view_state state = {};
	MDB_envinfo info;
	struct str value;
	enum status st;

	st = get_value(v, a, &key, &value, NULL);
	if (st == ST_OK)
		st = decoded(v, view_state_read(value, &state));
	if (st == ST_OK && mdb_env_info(v->env, &info) != 0)
		st = ST_TEMP;
	if (st == ST_OK)
		*out = (struct view_info){
			.applied_seq = state.applied_seq,
			.built = state.built,
			.used_bytes = lmdb_file_needs(v->env),
			.max_bytes = info.me_mapsize,
			.txn = info.me_last_txnid,
		};
	arena_free(&a);
	return st;
}
