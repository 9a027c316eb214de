/* SPDX-License-Identifier: Apache-2.0 */
/* keeper: the change feed into the view, and what time brings. */
#include "hosting/keeper.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "hosting/domain_ops.h"
#include "hosting/publish.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define NODE_EVERY_S 10
#define HEALTH_EVERY_S 1
#define CLOCKWORK_EVERY_S 1
#define PRUNE_EVERY_S UTC_DAY_S
#define PRUNE_ROWS 500 /* of each kind at once; more wait for the next look */
#define CHANGES_KEEP_S (7 * UTC_DAY_S)
#define CERTS_KEEP_S (90 * UTC_DAY_S)
#define ORDERS_KEEP_S (90 * UTC_DAY_S)
#define FAILED_WAIT_MS 10000 /* after the view would not take a change */
#define FEW 200
/* Says that a view was built from this database. */
#define META_MARK STR("view.built")

struct keeper {
	struct store *s;
	struct keeper_options opt;
	struct zone_config zone; /* with CAA */
	struct arena *zone_arena;
	struct str fingerprint;
	int lock;
	struct view_writer *w;
	int64_t recorded;	/* applied seq as the node's row says */
	struct mono not_before; /* no seq is recorded, nothing tried, before */
	int64_t node_at, health_at, clockwork_at, prune_at;
	bool failing;
	/*
	 * The view comes from a database that has gone: what is there now must
	 * not empty it. A rebuild that somebody asks for after that seq ends
	 * this.
	 */
	bool foreign;
	int64_t foreign_after;
};

static int64_t now_s(const struct keeper *k)
{
	return clock_now(k->opt.clock).s;
}

int64_t keeper_applied(const struct keeper *k)
{
	return k->w == NULL ? 0 : view_writer_applied(k->w);
}

/* ---- settings ---- */

/* Issuers and account for CAA; none are fine. */
static enum status read_caa(struct keeper *k, struct arena *a, struct err *e)
{
	struct store_acme_account account;
	struct str lines;
	enum status st;
	size_t n = 0;

	st = store_meta_get(k->s, a, STORE_META_CAA, &lines, e);
	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st != ST_OK)
		return st;
	k->zone.caa_issuers = arena_array(a, lines.n + 1, sizeof(struct str));
	while (lines.p != NULL) {
		struct str line = str_cut(&lines, '\n');

		if (line.n > 0)
			k->zone.caa_issuers[n++] = line;
	}
	k->zone.n_caa_issuers = n;
	if (k->opt.acme_directory == NULL)
		return ST_OK;
	st = store_acme_account_get(
		k->s, a, str_of(k->opt.acme_directory), &account, e);
	if (st == ST_OK)
		k->zone.caa_account = account.url;
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status read_zone(struct keeper *k, struct err *e)
{
	struct arena *a = arena_must(0);
	enum status st;

	k->zone = *k->opt.zone;
	st = read_caa(k, a, e);
	if (st != ST_OK) {
		arena_free(&a);
		return st;
	}
	k->fingerprint = publish_fingerprint(a, &k->zone);
	arena_free(&k->zone_arena);
	k->zone_arena = a;
	return ST_OK;
}

/* ---- building ---- */

/* A serial newer than any the zone has had on this node. */
static enum status first_serial(struct keeper *k, uint32_t *out, struct err *e)
{
	uint32_t serial = (uint32_t)now_s(k);
	struct arena *a = arena_must(0);
	struct store_node *nodes;
	enum status st;
	size_t n;

	st = store_node_list(k->s, a, &nodes, &n, e);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (str_eq(nodes[i].name, STR(KEEPER_NODE)) &&
			!dns_serial_newer(
				serial, (uint32_t)nodes[i].zone_serial))
			serial = (uint32_t)nodes[i].zone_serial + 1;
	if (k->w != NULL && !dns_serial_newer(serial, view_writer_serial(k->w)))
		serial = view_writer_serial(k->w) + 1;
	arena_free(&a);
	if (st == ST_OK)
		*out = serial;
	return st;
}

static enum status build(
	struct keeper *k, struct view_writer **out, struct err *e)
{
	struct arena *a = arena_must(0);
	struct view_zone soa = {};
	struct view_writer *w = NULL;
	struct publish p = { .store = k->s, .zone = &k->zone, .now = now_s(k) };
	int64_t first, seq;
	enum status st;

	/* What changes from here on is applied a second time afterwards. */
	st = store_change_range(k->s, &first, &seq, e);
	if (st == ST_OK && k->zone.origin.n > 0) {
		soa = zone_soa(a, &k->zone);
		st = first_serial(k, &soa.serial, e);
	}
	if (st == ST_OK)
		st = view_writer_create(k->opt.view_path, &k->opt.view,
			soa.origin.n > 0 ? &soa : NULL, &w, e);
	p.view = w;
	if (st == ST_OK)
		st = publish_all(&p, e);
	if (st == ST_OK) {
		view_set_settings(w, k->fingerprint);
		view_set_applied(w, seq);
		st = store_meta_put(k->s, META_MARK, STR("yes"), e);
	}
	if (st == ST_OK)
		st = view_writer_publish(w, e);
	if (st == ST_OK) {
		*out = w;
		w = NULL;
	}
	view_writer_close(&w);
	arena_free(&a);
	return st;
}

/* Builds the view anew from the database. */
static enum status keeper_rebuild(
	struct keeper *k, const char *why, struct err *e)
{
	struct mono begun = clock_mono(k->opt.clock);
	struct view_writer *w = NULL;
	uint64_t used, max;
	enum status st;

	LOG(LOG_WARN, "view.rebuild", KV_STR("why", str_of(why)));
	st = build(k, &w, e);
	if (st != ST_OK)
		return st;
	view_writer_close(&k->w);
	k->w = w;
	k->foreign = false;
	/* A seq says "strangers see it": readers need a moment to look. */
	k->not_before.ms = clock_mono(k->opt.clock).ms + KEEPER_REOPEN_MS;
	view_writer_usage(w, &used, &max);
	LOG(LOG_INFO, "view.rebuilt",
		KV_INT("ms", clock_mono(k->opt.clock).ms - begun.ms),
		KV_INT("bytes", (int64_t)used),
		KV_INT("seq", view_writer_applied(w)));
	return ST_OK;
}

/* Why the open view cannot be gone on with; NULL: it can. */
static const char *unfit(struct keeper *k)
{
	int64_t first, last;

	if (!str_eq(view_writer_settings(k->w), k->fingerprint))
		return "the settings have changed";
	if (store_change_range(k->s, &first, &last, NULL) != ST_OK)
		return NULL;
	if (first > view_writer_applied(k->w) + 1)
		return "changes were missed";
	return NULL;
}

/*
 * Is this another database than the view was built from: an old copy, or an
 * empty one that a restarted role has made where the real one was missing?
 */
static enum status check_foreign(struct keeper *k, struct err *e)
{
	struct arena *a = arena_must(0);
	int64_t first, last;
	struct str mark;
	enum status st;

	st = store_change_range(k->s, &first, &last, e);
	if (st == ST_OK)
		st = store_meta_get(k->s, a, META_MARK, &mark, e);
	if (st == ST_NOTFOUND ||
		(st == ST_OK && view_writer_applied(k->w) > last)) {
		LOG(LOG_ERROR, "view.foreign_database",
			KV_INT("view_seq", view_writer_applied(k->w)),
			KV_INT("database_seq", last),
			KV_STR("remedy",
				STR("the view goes on as it is; bring the "
				    "database back, or run moat view "
				    "rebuild")));
		k->foreign = true;
		k->foreign_after = last;
		st = ST_OK;
	}
	arena_free(&a);
	return st;
}

enum status keeper_open(struct store *s, const struct keeper_options *opt,
	struct keeper **out, struct err *e)
{
	struct keeper *k = mem_must(sizeof(*k));
	struct err why = {};
	enum status st;

	k->s = s;
	k->opt = *opt;
	k->lock = -1;
	st = view_lock(opt->view_path, &k->lock, e);
	if (st == ST_OK)
		st = read_zone(k, e);
	if (st == ST_OK) {
		enum status opened = view_writer_open(
			opt->view_path, &opt->view, &k->w, &why);

		if (opened == ST_OK)
			st = check_foreign(k, e);
		if (opened != ST_OK)
			st = keeper_rebuild(k, why.text, e);
		else if (st == ST_OK && !k->foreign && unfit(k) != NULL)
			st = keeper_rebuild(k, unfit(k), e);
	}
	if (st == ST_OK) {
		*out = k;
		k = NULL;
	}
	keeper_close(&k);
	return st;
}

void keeper_close(struct keeper **k)
{
	if (*k == NULL)
		return;
	view_writer_close(&(*k)->w);
	view_unlock(&(*k)->lock);
	arena_free(&(*k)->zone_arena);
	mem_free(*k);
	*k = NULL;
}

/* ---- changes ---- */

/* One of each (kind, tenant, key): rows are read as they are now anyway. */
static bool seen_before(
	struct map *seen, struct arena *a, const struct store_change *c)
{
	struct str key = arena_fmt(a, "%d %.*s %.*s",
		c->kind == STORE_CHANGE_DOMAIN, STR_ARG(c->tenant),
		STR_ARG(c->key));
	static char there;

	return map_put(seen, key, &there) != NULL;
}

static enum status apply_list(struct keeper *k, struct arena *a,
	const struct store_change *list, size_t n, struct err *e)
{
	struct publish p = { k->s, k->w, &k->zone, now_s(k) };
	struct arena *scratch = arena_must(0);
	struct map *seen = map_new();
	enum status st;

	st = view_writer_begin(k->w, e);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		arena_reset(scratch);
		if (!seen_before(seen, a, &list[i]))
			st = publish_change(&p, scratch, &list[i], e);
	}
	if (st == ST_OK) {
		view_set_applied(k->w, list[n - 1].seq);
		st = view_writer_commit(k->w, e);
	}
	view_writer_abort(k->w);
	map_free(&seen);
	arena_free(&scratch);
	return st;
}

/*
 * A change that cannot be published must not hold up those behind it: each by
 * itself, and the ones that fail are skipped.
 */
static enum status apply_singly(struct keeper *k, struct arena *a,
	const struct store_change *list, size_t n, struct err *e)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct store_change skip = list[i];

		st = apply_list(k, a, &list[i], 1, e);
		if (st != ST_INVALID)
			continue;
		LOG(LOG_ERROR, "keeper.skipped", KV_STR("key", skip.key),
			KV_STR("why", str_of(e->text)));
		skip.kind = STORE_CHANGE_REBUILD; /* publishes nothing */
		st = apply_list(k, a, &skip, 1, e);
	}
	return st;
}

static bool wants_rebuild(const struct store_change *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].kind == STORE_CHANGE_REBUILD)
			return true;
	return false;
}

static enum status apply_changes(struct keeper *k, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_change *list;
	enum status st;
	size_t n = 0;

	st = store_change_list(k->s, a, view_writer_applied(k->w),
		KEEPER_CHANGES, &list, &n, e);
	if (st == ST_OK && wants_rebuild(list, n))
		st = keeper_rebuild(k, "asked for", e);
	else if (st == ST_OK && n > 0)
		st = apply_list(k, a, list, n, e);
	if (st == ST_INVALID)
		st = apply_singly(k, a, list, n, e);
	arena_free(&a);
	return st;
}

/* Waits for somebody to say that this database is to be published. */
static enum status wait_for_rebuild(struct keeper *k, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_change *list;
	enum status st;
	size_t n = 0;

	st = store_change_list(
		k->s, a, k->foreign_after, KEEPER_CHANGES, &list, &n, e);
	if (st == ST_OK && wants_rebuild(list, n))
		st = keeper_rebuild(k, "asked for", e);
	else if (st == ST_OK && n > 0)
		k->foreign_after = list[n - 1].seq;
	arena_free(&a);
	return st;
}

static enum status record(struct keeper *k, struct err *e)
{
	int64_t applied = view_writer_applied(k->w), now = now_s(k);
	struct store_node node = { STR(KEEPER_NODE), applied, now,
		view_writer_serial(k->w) };
	enum status st;

	if (applied == k->recorded && now < k->node_at)
		return ST_OK;
	if (clock_mono(k->opt.clock).ms < k->not_before.ms)
		return ST_OK;
	st = store_node_put(k->s, &node, e);
	if (st == ST_OK) {
		k->recorded = applied;
		k->node_at = now + NODE_EVERY_S;
	}
	return st;
}

/* ---- clockwork ---- */

/* The id in DNS follows the body once every live node serves it. */
static enum status flip_ids(struct keeper *k, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_domain *rows;
	int64_t applied;
	enum status st;
	size_t n = 0;

	st = store_node_applied(k->s, now_s(k), &applied, e);
	if (st == ST_OK)
		st = store_domain_flips_due(
			k->s, a, applied, FEW, &rows, &n, e);
	if (st == ST_NOTFOUND)
		st = ST_OK;
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = store_domain_flip(k->s, rows[i].tenant, rows[i].name,
			rows[i].policy_id, e);
	arena_free(&a);
	return st;
}

static enum status end_retirements(struct keeper *k, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_domain *rows;
	enum status st;
	size_t n = 0;

	st = store_domain_retired(k->s, a, now_s(k), FEW, &rows, &n, e);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct domain_request r = { .tenant = rows[i].tenant,
			.name = rows[i].name,
			.actor = STR("keeper"),
			.now = now_s(k) };

		LOG(LOG_INFO, "domain.retired", KV_STR("domain", r.name));
		st = domain_remove(k->s, a, &r, NULL, e);
		if (st == ST_AGAIN || st == ST_NOTFOUND)
			st = ST_OK; /* a person was faster */
	}
	arena_free(&a);
	return st;
}

/*
 * Drops what is too old, some of it: while there may be more, the next look
 * goes on, so that changes need not wait. Policies that were published stay.
 */
static enum status prune(struct keeper *k, struct err *e)
{
	int64_t reports = 0, bad = 0, orders = 0, certs = 0, now = now_s(k);
	int64_t old = now - k->opt.report_keep_s;
	const struct store_report_keep keep = { .detail = k->opt.report_keep_s,
		.totals = k->opt.report_totals_s };
	enum status st;

	st = store_change_prune(
		k->s, view_writer_applied(k->w), now - CHANGES_KEEP_S, e);
	if (st == ST_OK)
		st = store_cert_prune(
			k->s, now - CERTS_KEEP_S, PRUNE_ROWS, &certs, e);
	if (st == ST_OK)
		st = store_acme_order_prune(
			k->s, now - ORDERS_KEEP_S, PRUNE_ROWS, &orders, e);
	if (st == ST_OK)
		st = store_report_prune(
			k->s, now, &keep, PRUNE_ROWS, &reports, e);
	if (st == ST_OK && k->opt.report_keep_s > 0)
		st = store_bad_report_prune(k->s, old, PRUNE_ROWS, &bad, e);
	if (reports + bad + orders + certs > 0)
		LOG(LOG_INFO, "keeper.pruned", KV_INT("reports", reports),
			KV_INT("unreadable", bad), KV_INT("orders", orders),
			KV_INT("certificates", certs));
	if (reports == PRUNE_ROWS || bad == PRUNE_ROWS ||
		orders == PRUNE_ROWS || certs == PRUNE_ROWS)
		k->prune_at = now;
	return st;
}

/* The file, and what the settings in the database say. */
static enum status health(struct keeper *k, struct err *e)
{
	struct err why = {};
	enum status st;

	if (view_writer_check(k->w, &why) != ST_OK) {
		LOG(LOG_ERROR, "view.damaged", KV_STR("why", str_of(why.text)));
		return keeper_rebuild(k, why.text, e);
	}
	st = read_zone(k, e);
	if (st == ST_OK && unfit(k) != NULL)
		st = keeper_rebuild(k, unfit(k), e);
	return st;
}

static bool due(int64_t *at, int64_t now, int64_t every)
{
	if (now < *at)
		return false;
	*at = now + every;
	return true;
}

static enum status work(struct keeper *k, struct err *e)
{
	int64_t now = now_s(k);
	enum status st = ST_OK;

	if (k->foreign)
		return wait_for_rebuild(k, e);
	if (due(&k->health_at, now, HEALTH_EVERY_S))
		st = health(k, e);
	if (st == ST_OK)
		st = apply_changes(k, e);
	if (st == ST_OK)
		st = record(k, e);
	if (st == ST_OK)
		st = flip_ids(k, e);
	if (st == ST_OK && due(&k->clockwork_at, now, CLOCKWORK_EVERY_S)) {
		st = store_challenge_expire(k->s, now, e);
		if (st == ST_OK)
			st = end_retirements(k, e);
	}
	if (st == ST_OK && due(&k->prune_at, now, PRUNE_EVERY_S))
		st = prune(k, e);
	return st;
}

void keeper_step(struct keeper *k)
{
	struct err e = {};
	enum status st;

	if (k->failing && clock_mono(k->opt.clock).ms < k->not_before.ms)
		return;
	st = work(k, &e);
	if (st == ST_PERM) /* damaged: a new file heals it, unless it is not */
		st = keeper_rebuild(k, e.text, &e);
	if (st != ST_OK) {
		LOG(LOG_ERROR, "keeper.failed",
			KV_STR("status", str_of(status_name(st))),
			KV_STR("why", str_of(e.text)));
		k->not_before.ms = clock_mono(k->opt.clock).ms + FAILED_WAIT_MS;
	} else if (k->failing) {
		LOG(LOG_INFO, "keeper.goes_on",
			KV_INT("seq", keeper_applied(k)));
	}
	k->failing = st != ST_OK;
}
