/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_writer: the one process that writes the view. */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "proto/dns_rr.h"
#include "view/lmdb_file.h"
#include "view/view_diff.h"
#include "view/view_value.h"
#include "view/view_writer.h"

#include "base/poison.h"

/* Bytes: the serial and four more numbers end the rdata. */
#define SOA_SERIAL_FROM_END 20

struct view_writer {
	char path[VIEW_PATH_MAX], new_path[VIEW_PATH_MAX];
	struct view_writer_options opt;
	MDB_env *env;
	MDB_txn *txn; /* NULL between transactions */
	MDB_dbi dbi;
	bool unpublished; /* still at new_path */
	struct lmdb_guard guard;
	ino_t ino;
	struct mono last_commit;

	/* As of the last commit; the open transaction has its own state. */
	struct view_state state, next;
	struct arena *state_arena;
	struct view_zone zone; /* origin.n == 0: none */
	struct arena *zone_arena;
	struct view_zone old_zone; /* before the bump not yet committed */
	struct arena *old_arena;

	/* The names touched in this transaction as they were before it. */
	struct view_diff *diff; /* NULL while building */
	size_t journal_steps;
	unsigned char *scratch; /* VIEW_VALUE_MAX */
};

/* ---- errors ---- */

static enum status failed(struct view_writer *w, int rc, struct err *e)
{
	enum status st = ST_PERM;

	if (w != NULL)
		view_writer_abort(w);
	if (rc == MDB_MAP_FULL)
		return err_set(e, ST_LIMIT,
			"the view has reached its largest size: raise "
			"server.view_max_size");
	if (rc == ENOSPC || rc == EIO || rc == ENOMEM || rc == EDQUOT)
		st = ST_TEMP;
	return err_set(e, st, "view: %s", mdb_strerror(rc));
}

static enum status damaged(struct view_writer *w, struct err *e)
{
	view_writer_abort(w);
	return err_set(e, ST_PERM, "the view is damaged");
}

/* ---- raw values ---- */

static int get(struct view_writer *w, struct str key, struct str *value)
{
	MDB_val k = lmdb_val(key);
	MDB_val v;
	int rc = lmdb_get(w->txn, w->dbi, &k, &v);

	if (rc == 0)
		*value = (struct str){ v.mv_data, v.mv_size };
	return rc;
}

static enum status put(struct view_writer *w, struct str key,
	const struct wire_out *out, struct err *e)
{
	MDB_val k = lmdb_val(key);
	MDB_val v = { out->n, out->p };
	int rc;

	if (out->failed) {
		view_writer_abort(w);
		return err_set(
			e, ST_INVALID, "a value of the view is too long");
	}
	rc = mdb_put(w->txn, w->dbi, &k, &v, 0);
	return rc == 0 ? ST_OK : failed(w, rc, e);
}

static enum status del(struct view_writer *w, struct str key, struct err *e)
{
	MDB_val k = lmdb_val(key);
	int rc = mdb_del(w->txn, w->dbi, &k, NULL);

	return rc == 0 || rc == MDB_NOTFOUND ? ST_OK : failed(w, rc, e);
}

static struct wire_out scratch(struct view_writer *w)
{
	return wire_out_of(w->scratch, VIEW_VALUE_MAX);
}

static struct str key_str(const struct view_key *key)
{
	return (struct str){ key->p, key->n };
}

static enum status bad_name(
	struct view_writer *w, struct str name, struct err *e)
{
	view_writer_abort(w);
	return err_set(e, ST_INVALID, "%.*s: not a name the view can hold",
		STR_ARG(str_upto(name, 100)));
}

/* ---- the zone and its journal ---- */

/* A copy of the zone with the serial put into the SOA. */
static void take_zone(
	struct view_writer *w, const struct view_zone *zone, uint32_t serial)
{
	struct arena *a = arena_must(0);
	struct view_zone z = {
		.origin = arena_str(a, zone->origin),
		.serial = serial,
		.soa_ttl = zone->soa_ttl,
		.soa = arena_str(a, zone->soa),
	};
	struct wire_out at;
	char *soa = arena_alloc(a, z.soa.n);

	BUG(z.soa.n < SOA_SERIAL_FROM_END);
	memcpy(soa, z.soa.p, z.soa.n);
	at = wire_out_of(soa + z.soa.n - SOA_SERIAL_FROM_END, 4);
	wire_put_u32(&at, serial);
	z.soa.p = soa;
	arena_free(&w->zone_arena);
	w->zone_arena = a;
	w->zone = z;
}

static enum status put_zone(struct view_writer *w, struct err *e)
{
	struct wire_out out = scratch(w);

	view_zone_write(&out, &w->zone);
	return put(w, VIEW_KEY_ZONE, &out, e);
}

/* Puts the SOA of w->zone beside sets and writes the name. */
static enum status write_name(struct view_writer *w, const struct view_key *key,
	struct view_name *name, struct err *e)
{
	struct view_rrset soa = { DNS_TYPE_SOA, w->zone.soa_ttl, &w->zone.soa,
		1 };
	bool apex = str_eq_nocase(name->owner, w->zone.origin);
	struct arena *a = arena_must(0);
	struct wire_out out = scratch(w);
	struct view_name all = { .owner = name->owner };
	enum status st;

	all.sets = arena_array(a, name->n + 1, sizeof(*all.sets));
	if (apex)
		all.sets[all.n++] = soa;
	for (size_t i = 0; i < name->n; i++)
		if (name->sets[i].type != DNS_TYPE_SOA)
			all.sets[all.n++] = name->sets[i];
	if (all.n == 0) {
		st = del(w, key_str(key), e);
	} else {
		view_name_write(&out, &all);
		st = put(w, key_str(key), &out, e);
	}
	arena_free(&a);
	return st;
}

/* The apex again, with the SOA as it is now. */
static enum status rewrite_apex(struct view_writer *w, struct err *e)
{
	struct arena *a = arena_must(0);
	struct view_name name = { .owner = w->zone.origin };
	struct view_key key;
	enum status st = view_key_name(w->zone.origin, &key);
	struct str value;
	int rc;

	BUG(st != ST_OK);
	rc = get(w, key_str(&key), &value);
	if (rc == 0) {
		/* The value moves when the page is written: read a copy. */
		st = view_name_read(a, arena_str(a, value), &name);
		if (st != ST_OK)
			st = damaged(w, e);
	} else if (rc != MDB_NOTFOUND) {
		st = failed(w, rc, e);
	}
	if (st == ST_OK)
		st = write_name(w, &key, &name, e);
	arena_free(&a);
	return st;
}

/* Drops journal steps from the front until at most keep are left. */
static enum status journal_trim(
	struct view_writer *w, size_t keep, struct err *e)
{
	char prefix = VIEW_KEY_JOURNAL;
	MDB_cursor *cursor = NULL;
	int rc = 0;

	if (w->journal_steps <= keep)
		return ST_OK;
	rc = mdb_cursor_open(w->txn, w->dbi, &cursor);
	while (rc == 0 && w->journal_steps > keep) {
		MDB_val key = { 1, &prefix };
		MDB_val value;

		rc = lmdb_move(cursor, &key, &value, MDB_SET_RANGE);
		if (rc == 0 && *(char *)key.mv_data != VIEW_KEY_JOURNAL)
			rc = MDB_NOTFOUND;
		if (rc == 0)
			rc = mdb_cursor_del(cursor, 0);
		w->journal_steps--;
	}
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	return rc == 0 || rc == MDB_NOTFOUND ? ST_OK : failed(w, rc, e);
}

static enum status journal_add(
	struct view_writer *w, const struct view_step *step, struct err *e)
{
	struct wire_out out = scratch(w);
	struct view_key key;
	enum status st;

	view_step_write(&out, step);
	/* A step too long to keep: IXFR cannot go back behind it. */
	if (out.failed)
		return journal_trim(w, 0, e);
	view_key_journal(step->from, &key);
	st = put(w, key_str(&key), &out, e);
	if (st != ST_OK)
		return st;
	w->journal_steps++;
	return journal_trim(w, w->opt.journal_steps, e);
}

static uint32_t next_serial(uint32_t serial)
{
	uint32_t now = (uint32_t)clock_now(clock_system()).s;

	return dns_serial_newer(now, serial) ? now : serial + 1;
}

/* Fills in what the touched names are now. */
static enum status diff_finish(struct view_writer *w, struct err *e)
{
	struct str owner;
	size_t at = 0;

	while (view_diff_next(w->diff, &at, &owner)) {
		struct view_key key;
		struct str value = {};
		int rc;

		BUG(view_key_name(owner, &key) != ST_OK);
		rc = get(w, key_str(&key), &value);
		if (rc != 0 && rc != MDB_NOTFOUND)
			return failed(w, rc, e);
		if (!view_diff_after(w->diff, owner, value))
			return damaged(w, e);
	}
	return ST_OK;
}

/* Serial, SOA and journal of a commit that changed names. */
static enum status bump(struct view_writer *w, struct err *e)
{
	struct view_step step = { .from = w->zone.serial };
	struct view_zone old = w->zone;
	enum status st;

	w->old_zone = old;
	w->old_arena = w->zone_arena;
	w->zone_arena = NULL;
	step.to = next_serial(old.serial);
	take_zone(w, &old, step.to);
	view_diff_step(w->diff, &old, &w->zone, &step);
	st = rewrite_apex(w, e);
	if (st == ST_OK)
		st = put_zone(w, e);
	if (st == ST_OK)
		st = journal_add(w, &step, e);
	return st;
}

/* Forgets the old zone, or goes back to it. */
static void bump_done(struct view_writer *w, bool committed)
{
	if (w->old_arena == NULL)
		return;
	if (committed) {
		arena_free(&w->old_arena);
		return;
	}
	arena_free(&w->zone_arena);
	w->zone_arena = w->old_arena;
	w->zone = w->old_zone;
	w->old_arena = NULL;
}

/* ---- opening ---- */

enum status view_lock(const char *path, int *fd, struct err *e)
{
	char lock[VIEW_PATH_MAX];
	int got;

	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	got = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (got < 0)
		return err_sys(e, ST_PERM, errno, "%s", lock);
	if (flock(got, LOCK_EX | LOCK_NB) != 0) {
		(void)close(got);
		return err_set(e, ST_AGAIN,
			"%s: another process writes the view", path);
	}
	*fd = got;
	return ST_OK;
}

void view_unlock(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/*
 * LMDB met a page in writing that makes no sense, and will abort. Out of the
 * way with the file, so that the next start builds a new one; readers keep what
 * they have open.
 */
static void move_away(void *ctx)
{
	struct view_writer *w = ctx;
	char bad[VIEW_PATH_MAX + 8];

	(void)snprintf(bad, sizeof(bad), "%s.bad", w->path);
	(void)rename(w->path, bad);
}

static enum status env_open(
	struct view_writer *w, const char *path, struct err *e)
{
	unsigned flags = LMDB_COMMON_FLAGS | (w->opt.no_sync ? MDB_NOSYNC : 0);
	struct stat st;
	int rc;

	rc = mdb_env_create(&w->env);
	if (rc == 0) {
		w->guard = (struct lmdb_guard){ move_away, w };
		lmdb_guard(w->env, &w->guard);
	}
	if (rc == 0)
		rc = mdb_env_set_mapsize(w->env, w->opt.max_bytes);
	if (rc == 0)
		rc = mdb_env_open(w->env, path, flags, 0640);
	if (rc == 0)
		rc = mdb_txn_begin(w->env, NULL, 0, &w->txn);
	if (rc == 0)
		rc = mdb_dbi_open(w->txn, NULL, 0, &w->dbi);
	if (rc != 0)
		return failed(w, rc, e);
	if (stat(path, &st) != 0)
		return err_sys(e, ST_TEMP, errno, "%s", path);
	w->ino = st.st_ino;
	return ST_OK;
}

static enum status writer_new(const char *path,
	const struct view_writer_options *opt, struct view_writer **out,
	struct err *e)
{
	struct view_writer *w;

	if (strlen(path) + sizeof(".new") > VIEW_PATH_MAX)
		return err_set(e, ST_PERM, "%.64s...: path too long", path);
	w = mem_must(sizeof(*w));
	(void)snprintf(w->path, sizeof(w->path), "%s", path);
	(void)snprintf(w->new_path, sizeof(w->new_path), "%.*s.new",
		VIEW_PATH_MAX - 5, path);
	w->opt = *opt;
	w->last_commit.ms = INT64_MIN / 2;
	w->scratch = mem_must(VIEW_VALUE_MAX);
	*out = w;
	return ST_OK;
}

void view_writer_close(struct view_writer **w)
{
	if (*w == NULL)
		return;
	view_writer_abort(*w);
	if ((*w)->env != NULL)
		mdb_env_close((*w)->env);
	if ((*w)->unpublished)
		(void)unlink((*w)->new_path);
	view_diff_free(&(*w)->diff);
	arena_free(&(*w)->state_arena);
	arena_free(&(*w)->zone_arena);
	mem_free((*w)->scratch);
	mem_free(*w);
	*w = NULL;
}

static void take_state(struct view_writer *w, const struct view_state *s)
{
	struct arena *a = arena_must(0);

	w->state = *s;
	w->state.settings = arena_str(a, s->settings);
	arena_free(&w->state_arena);
	w->state_arena = a;
}

/* State and zone of a file that was there. */
static enum status read_state(struct view_writer *w, struct err *e)
{
	struct view_state state;
	struct view_zone zone;
	struct str value;
	int rc = get(w, VIEW_KEY_STATE, &value);

	if (rc != 0 || view_state_read(value, &state) != ST_OK)
		return damaged(w, e);
	take_state(w, &state);
	rc = get(w, VIEW_KEY_ZONE, &value);
	if (rc == MDB_NOTFOUND)
		return ST_OK;
	if (rc != 0 || view_zone_read(value, &zone) != ST_OK ||
		zone.soa.n < SOA_SERIAL_FROM_END)
		return damaged(w, e);
	take_zone(w, &zone, zone.serial);
	return ST_OK;
}

static enum status count_journal(struct view_writer *w, struct err *e)
{
	char prefix = VIEW_KEY_JOURNAL;
	MDB_val key = { 1, &prefix };
	MDB_cursor *cursor;
	MDB_val value;
	int rc;

	rc = mdb_cursor_open(w->txn, w->dbi, &cursor);
	if (rc != 0)
		return failed(w, rc, e);
	rc = lmdb_move(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && *(char *)key.mv_data == VIEW_KEY_JOURNAL) {
		w->journal_steps++;
		rc = lmdb_move(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == 0 || rc == MDB_NOTFOUND ? ST_OK : failed(w, rc, e);
}

enum status view_writer_open(const char *path,
	const struct view_writer_options *opt, struct view_writer **out,
	struct err *e)
{
	struct view_writer *w = NULL;
	enum status st;

	if (access(path, F_OK) != 0)
		return err_sys(e, errno == ENOENT ? ST_NOTFOUND : ST_PERM,
			errno, "%s", path);
	if (!lmdb_file_plausible(path))
		return err_set(e, ST_PERM, "%s: damaged, or no view", path);
	st = writer_new(path, opt, &w, e);
	if (st == ST_OK)
		st = env_open(w, path, e);
	if (st == ST_OK)
		st = read_state(w, e);
	if (st == ST_OK)
		st = count_journal(w, e);
	if (st == ST_OK) {
		view_writer_abort(w);
		w->diff = view_diff_new();
		st = view_writer_verify(w, e);
	}
	if (st == ST_OK) {
		*out = w;
		w = NULL;
	}
	view_writer_close(&w);
	return st;
}

enum status view_writer_create(const char *path,
	const struct view_writer_options *opt, const struct view_zone *zone,
	struct view_writer **out, struct err *e)
{
	struct view_writer *w = NULL;
	enum status st;

	st = writer_new(path, opt, &w, e);
	if (st != ST_OK)
		return st;
	(void)unlink(w->new_path);
	w->unpublished = true;
	st = env_open(w, w->new_path, e);
	if (st == ST_OK && zone != NULL) {
		take_zone(w, zone, zone->serial);
		st = rewrite_apex(w, e);
		if (st == ST_OK)
			st = put_zone(w, e);
	}
	w->next.built = clock_now(clock_system()).s;
	if (st == ST_OK) {
		*out = w;
		w = NULL;
	}
	view_writer_close(&w);
	return st;
}

static enum status sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char folder[VIEW_PATH_MAX];
	enum status st = ST_OK;
	int fd;

	(void)snprintf(folder, sizeof(folder), "%.*s",
		slash == NULL ? 1 : (int)(slash - path + 1),
		slash == NULL ? "." : path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		st = err_sys(e, ST_TEMP, errno, "%s", folder);
	if (fd >= 0)
		(void)close(fd);
	return st;
}

enum status view_writer_publish(struct view_writer *w, struct err *e)
{
	enum status st;

	BUG(!w->unpublished);
	if (w->txn != NULL) {
		st = view_writer_commit(w, e);
		if (st != ST_OK)
			return st;
	}
	if (mdb_env_sync(w->env, 1) != 0 || rename(w->new_path, w->path) != 0)
		return err_sys(e, ST_TEMP, errno, "%s", w->path);
	w->unpublished = false;
	w->diff = view_diff_new();
	return w->opt.no_sync ? ST_OK : sync_folder(w->path, e);
}

/* ---- transactions ---- */

void view_writer_abort(struct view_writer *w)
{
	if (w->txn != NULL)
		mdb_txn_abort(w->txn);
	w->txn = NULL;
}

static void keep_gap(const struct view_writer *w)
{
	int64_t now = clock_mono(clock_system()).ms;
	int64_t wait = w->last_commit.ms + w->opt.commit_gap_ms - now;
	struct timespec ts = { wait / 1000, wait % 1000 * 1000000 };

	if (wait > 0)
		(void)nanosleep(&ts, NULL);
}

enum status view_writer_begin(struct view_writer *w, struct err *e)
{
	int rc;

	BUG(w->txn != NULL);
	rc = mdb_txn_begin(w->env, NULL, 0, &w->txn);
	if (rc != 0)
		return failed(w, rc, e);
	w->next = w->state;
	if (w->diff != NULL)
		view_diff_reset(w->diff);
	return ST_OK;
}

static enum status put_state(struct view_writer *w, struct err *e)
{
	struct wire_out out = scratch(w);

	view_state_write(&out, &w->next);
	return put(w, VIEW_KEY_STATE, &out, e);
}

/* LMDB leaves out pages at the end that nothing uses; readers measure. */
static void full_length(struct view_writer *w)
{
	uint64_t used, max;
	struct stat st;
	int fd;

	view_writer_usage(w, &used, &max);
	if (mdb_env_get_fd(w->env, &fd) == 0 && fstat(fd, &st) == 0 &&
		(uint64_t)st.st_size < used && ftruncate(fd, (off_t)used) != 0)
		return; /* a reader will see a file that is cut off */
}

enum status view_writer_commit(struct view_writer *w, struct err *e)
{
	enum status st = put_state(w, e);
	size_t journal = w->journal_steps;
	int rc;

	if (st == ST_OK && w->diff != NULL && w->zone.origin.n > 0) {
		st = diff_finish(w, e);
		if (st == ST_OK && view_diff_any(w->diff))
			st = bump(w, e);
	}
	if (st == ST_OK) {
		keep_gap(w);
		rc = mdb_txn_commit(w->txn);
		w->txn = NULL;
		w->last_commit = clock_mono(clock_system());
		if (rc != 0)
			st = failed(w, rc, e);
	}
	bump_done(w, st == ST_OK);
	if (st != ST_OK) {
		w->journal_steps = journal;
		return st;
	}
	full_length(w);
	take_state(w, &w->next);
	return ST_OK;
}

/* ---- setting ---- */

enum status view_set_host(struct view_writer *w, struct str host,
	const struct view_host *h, struct err *e)
{
	struct wire_out out = scratch(w);
	struct view_key key;

	if (view_key_host(host, &key) != ST_OK)
		return bad_name(w, host, e);
	if (h == NULL)
		return del(w, key_str(&key), e);
	view_host_write(&out, h);
	return put(w, key_str(&key), &out, e);
}

enum status view_set_label(struct view_writer *w, struct str label,
	const struct view_label *l, struct err *e)
{
	struct wire_out out = scratch(w);
	struct view_key key;

	if (view_key_label(label, &key) != ST_OK)
		return bad_name(w, label, e);
	if (l == NULL)
		return del(w, key_str(&key), e);
	view_label_write(&out, l);
	return put(w, key_str(&key), &out, e);
}

enum status view_set_name(struct view_writer *w, struct str owner,
	const struct view_rrset *sets, size_t n, struct err *e)
{
	struct view_name name = { .owner = owner, .n = n };
	struct str before = {};
	struct view_key key;
	enum status st;
	int rc;

	if (view_key_name(owner, &key) != ST_OK)
		return bad_name(w, owner, e);
	if (w->diff != NULL && !view_diff_has(w->diff, owner)) {
		rc = get(w, key_str(&key), &before);
		if (rc != 0 && rc != MDB_NOTFOUND)
			return failed(w, rc, e);
		if (!view_diff_before(w->diff, owner, before))
			return damaged(w, e);
	}
	name.sets = mem_must(n * sizeof(*sets));
	for (size_t i = 0; i < n; i++)
		name.sets[i] = sets[i];
	st = write_name(w, &key, &name, e);
	mem_free(name.sets);
	return st;
}

enum status view_set_applied(struct view_writer *w, int64_t seq, struct err *e)
{
	(void)e;
	w->next.applied_seq = seq;
	return ST_OK;
}

enum status view_set_settings(
	struct view_writer *w, struct str settings, struct err *e)
{
	/* The caller's text, until the commit copies it. */
	(void)e;
	w->next.settings = settings;
	return ST_OK;
}

/* ---- about ---- */

int64_t view_writer_applied(const struct view_writer *w)
{
	return w->state.applied_seq;
}

struct str view_writer_settings(const struct view_writer *w)
{
	return w->state.settings;
}

uint32_t view_writer_serial(const struct view_writer *w)
{
	return w->zone.origin.n > 0 ? w->zone.serial : 0;
}

void view_writer_usage(
	const struct view_writer *w, uint64_t *used, uint64_t *max)
{
	MDB_envinfo info = {};
	MDB_stat st = {};

	(void)mdb_env_info(w->env, &info);
	(void)mdb_env_stat(w->env, &st);
	*used = ((uint64_t)info.me_last_pgno + 1) * st.ms_psize;
	*max = w->opt.max_bytes;
}

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
