/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_checks: probe, then write what was found in one short transaction. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "hosting/cert_renew.h"
#include "hosting/cert_subject.h"
#include "hosting/domain_state.h"
#include "hosting/keeper_checks.h"
#include "proto/host_name.h"
#include "proto/sts_match.h"

#include "base/poison.h"

#define DUE_AT_ONCE 16 /* then those are asked for who came meanwhile */
#define UNKNOWN_MAX 2  /* such answers: the name servers are taken for dead */
#define ORDER_AGAIN_S UTC_DAY_S /* after one that was given up */
#define SYSTEM_EVERY_S 30

/* ---- looking ---- */

static enum proof_seen seen_of(const struct probe_finding *f)
{
	switch (f->result) {
	case PROBE_PASS:
		return PROOF_SEEN_US;
	case PROBE_FAIL:
		return f->missing ? PROOF_SEEN_MISSING : PROOF_SEEN_OTHER;
	case PROBE_UNKNOWN:
		break;
	}
	return PROOF_SEEN_UNKNOWN;
}

static struct str last_found(const struct probe_finding *f)
{
	return f->n_found > 0 ? f->found[f->n_found - 1] : f->detail;
}

static bool address_is_ours(const struct keeper_checks_options *opt,
	struct arena *a, struct str host)
{
	struct str *expect = arena_array(a, opt->zone->n_edge, sizeof(*expect));
	struct probe_finding f = {};

	for (size_t i = 0; i < opt->zone->n_edge; i++) {
		struct sbuf b = sbuf_arena(a, 64);
		struct addr addr = addr_of_bytes(opt->zone->edge[i].bytes, 0);

		addr_write_ip(&b, &addr);
		expect[i] = sbuf_str(&b);
	}
	probe_address(opt->probe, a, host, expect, opt->zone->n_edge, &f);
	return f.result == PROBE_PASS;
}

/* Asks about all names of d. */
static void keeper_look(const struct keeper_checks_options *opt,
	struct arena *a, const struct store_domain *d, struct proof_look *look)
{
	struct domain_record records[DOMAIN_RECORDS];
	struct probe_finding f = {};
	size_t unknown = 0;

	*look = (struct proof_look){ .due = d->proof_next };
	domain_records(a, d, opt->zone->origin, records);
	for (size_t i = 0; i < STORE_CNAMES; i++) {
		f = (struct probe_finding){};
		probe_cname(
			opt->probe, a, records[i].owner, records[i].value, &f);
		look->cname[i] = seen_of(&f);
		look->found[i] = last_found(&f);
		unknown += f.result == PROBE_UNKNOWN;
		if (unknown >= UNKNOWN_MAX &&
			look->cname[STORE_CNAME_HOST] == PROOF_SEEN_UNKNOWN)
			return;
	}
	if (look->cname[STORE_CNAME_HOST] == PROOF_SEEN_US)
		return;
	f = (struct probe_finding){};
	probe_txt(opt->probe, a, records[STORE_CNAMES].owner,
		records[STORE_CNAMES].value, &f);
	look->token = seen_of(&f);
	if (look->token == PROOF_SEEN_US)
		look->address_is_ours = address_is_ours(
			opt, a, records[STORE_CNAME_HOST].owner);
}

/* The MX hosts of DNS; n == 0: unknown, or servers that disagree. */
static void look_mx(const struct keeper_checks_options *opt, struct arena *a,
	const struct store_domain *d, const struct proof_look *look,
	struct store_strs *mx)
{
	struct probe_finding f = {};

	*mx = (struct store_strs){};
	if (d->mx_confirmed == 0 ||
		(d->proof == STORE_PROOF_NONE &&
			proof_of_look(look) == STORE_PROOF_NONE))
		return;
	probe_mx(opt->probe, a, d->name, &f);
	if (f.result != PROBE_PASS)
		return;
	for (size_t i = 0; i < f.n_found; i++)
		if (host_name_fault(f.found[i]) != HOST_NAME_GOOD)
			return; /* "." (RFC 7505), or nothing to propose */
	*mx = (struct store_strs){ f.found, f.n_found };
}

/*
 * Does what DNS says differ from the policy's list: a host that no pattern
 * covers, or a pattern that covers no host? Pure.
 */
static bool keeper_mx_differs(
	const struct store_strs *policy, const struct store_strs *dns)
{
	for (size_t i = 0; i < dns->n; i++)
		if (sts_match_any(dns->items[i], policy->items, policy->n) < 0)
			return true;
	for (size_t i = 0; i < policy->n; i++) {
		bool used = false;

		for (size_t k = 0; k < dns->n; k++)
			used |= sts_match(dns->items[k], policy->items[i]);
		if (!used)
			return true;
	}
	return false;
}

/* ---- writing ---- */

static bool same_list(const struct store_strs *a, const struct store_strs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->items[i], b->items[i]))
			return false;
	return true;
}

static void propose(
	struct store_domain *d, const struct store_strs *mx, int64_t now)
{
	if (mx->n == 0)
		return;
	d->mx_checked = now;
	if (!keeper_mx_differs(&d->mx, mx)) {
		d->mx_proposed = (struct store_strs){};
		d->mx_proposed_at = 0;
	} else if (!same_list(&d->mx_proposed, mx)) {
		LOG(LOG_WARN, "domain.mx_drift", KV_STR("domain", d->name));
		d->mx_proposed = *mx;
		d->mx_proposed_at = now;
	}
}

/* What a person must look at, beyond what domain_state sees by itself. */
static struct str attention(struct arena *a, const struct store_domain *d)
{
	for (size_t i = 0; i < d->mx_proposed.n; i++) {
		struct str host = d->mx_proposed.items[i];

		if (sts_match_any(host, d->mx.items, d->mx.n) < 0)
			return arena_fmt(a,
				"DNS names the MX host %.*s, which the policy "
				"does not cover",
				STR_ARG(host));
	}
	if (d->served_since > 0 && d->proof == STORE_PROOF_NONE)
		return arena_fmt(a, "mta-sts.%.*s no longer leads to us: %.*s",
			STR_ARG(d->name), STR_ARG(d->proof_detail));
	return (struct str){};
}

/* Does this host lack a certificate that nobody has ordered? */
static enum status wants_order(const struct keeper_checks_options *opt,
	struct store *s, struct arena *a, struct str tenant, struct str host,
	bool *wants, struct err *e)
{
	int64_t now = clock_now(opt->clock).s;
	struct store_acme_order order;
	struct store_cert cert;
	enum status st;

	*wants = false;
	st = store_cert_current(s, a, tenant, host, &cert, e);
	if (st != ST_NOTFOUND)
		return st;
	st = store_acme_order_last(s, a, tenant, host, &order, e);
	if (st == ST_NOTFOUND) {
		*wants = true;
		return ST_OK;
	}
	if (st == ST_OK)
		*wants = order.state >= STORE_ORDER_DONE &&
			 order.updated + ORDER_AGAIN_S <= now;
	return st;
}

static enum status order_if_wanted(const struct keeper_checks_options *opt,
	struct store *s, struct arena *a, struct str tenant, struct str host,
	struct err *e)
{
	struct cert_env env = {
		.store = s, .clock = opt->clock, .config = opt->cert
	};
	enum status st;
	bool wants;

	st = wants_order(opt, s, a, tenant, host, &wants, e);
	if (st == ST_OK && wants)
		st = cert_order_queue(&env, tenant, host, "first", STR(""), e);
	return st == ST_INVALID ? ST_OK : st; /* another was faster */
}

static enum status write_row(const struct keeper_checks_options *opt,
	struct store *s, struct arena *a, struct store_domain *d,
	const struct proof_look *look, const struct store_strs *mx,
	struct err *e)
{
	int64_t now = clock_now(opt->clock).s, due = d->proof_next;
	enum store_proof before = d->proof;
	bool changed = proof_apply(a, d, look, now);

	if (due != look->due)
		d->proof_next = due; /* asked for again meanwhile */
	propose(d, mx, now);
	d->attention = attention(a, d);
	if (changed)
		LOG(LOG_INFO, "domain.proof", KV_STR("domain", d->name),
			KV_STR("before", str_of(store_proof_name(before))),
			KV_STR("now", str_of(store_proof_name(d->proof))));
	return store_domain_put_checked(s, d, changed, e);
}

enum status keeper_found(const struct keeper_checks_options *opt,
	struct store *s, struct arena *a, struct str tenant, struct str name,
	const struct proof_look *look, const struct store_strs *mx,
	struct err *e)
{
	struct store_domain d;
	enum status st;

	/* The row may have changed while we looked: only now is it read. */
	st = store_begin(s, e);
	if (st == ST_OK)
		st = store_domain_get(s, a, tenant, name, &d, e);
	if (st == ST_OK)
		st = write_row(opt, s, a, &d, look, mx, e);
	if (st == ST_OK)
		st = store_commit(s, e);
	store_rollback(s);
	if (st == ST_NOTFOUND)
		return ST_OK; /* removed meanwhile */
	if (st != ST_OK || d.policy_body.n == 0 ||
		cert_challenges_of(d.proof, d.cname[STORE_CNAME_ACME].state) ==
			0)
		return st;
	return order_if_wanted(opt, s, a, tenant,
		arena_fmt(a, "mta-sts.%.*s", STR_ARG(name)), e);
}

enum status keeper_system_certs(
	const struct keeper_checks_options *opt, struct store *s, struct err *e)
{
	const struct str hosts[] = { opt->zone->report_host,
		opt->zone->console_host };
	struct arena *a = arena_must(0);
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < 2; i++)
		if (hosts[i].n > 0)
			st = order_if_wanted(
				opt, s, a, STORE_TENANT_SYSTEM, hosts[i], e);
	arena_free(&a);
	return st;
}

/* ---- threads ---- */

struct worker {
	struct keeper_checks *c;
	size_t i;
	struct store *s;
	pthread_t thread;
	int64_t system_at;
};

struct keeper_checks {
	struct keeper_checks_options opt;
	atomic_bool stop;
	size_t n;
	struct worker *workers;
};

/* Which worker looks at a name. */
static size_t worker_of(struct str name, size_t n)
{
	size_t hash = 5381;

	for (size_t i = 0; i < name.n; i++)
		hash = hash * 33 + (unsigned char)name.p[i];
	return hash % n;
}

static enum status look_at(
	struct worker *w, const struct store_domain *d, struct err *e)
{
	struct arena *a = arena_must(0);
	enum status st = ST_OK;
	struct proof_look look;
	struct store_strs mx;

	keeper_look(&w->c->opt, a, d, &look);
	look_mx(&w->c->opt, a, d, &look, &mx);
	if (!probe_stopping(w->c->opt.probe))
		st = keeper_found(
			&w->c->opt, w->s, a, d->tenant, d->name, &look, &mx, e);
	arena_free(&a);
	return st;
}

static enum status round_of(struct worker *w, struct err *e)
{
	int64_t now = clock_now(w->c->opt.clock).s;
	struct arena *a = arena_must(0);
	struct store_domain *rows;
	enum status st;
	size_t n = 0;

	st = store_domain_checks_due(
		w->s, a, now, DUE_AT_ONCE * w->c->n, &rows, &n, e);
	for (size_t i = 0; st == ST_OK && i < n && !w->c->stop; i++)
		if (worker_of(rows[i].name, w->c->n) == w->i)
			st = look_at(w, &rows[i], e);
	if (st == ST_OK && w->i == 0 && now >= w->system_at) {
		w->system_at = now + SYSTEM_EVERY_S;
		st = keeper_system_certs(&w->c->opt, w->s, e);
	}
	arena_free(&a);
	return st;
}

static void *worker_main(void *arg)
{
	struct timespec wait = { 0, KEEPER_CHECK_LOOK_MS * 1000000L };
	struct worker *w = arg;

	while (!w->c->stop) {
		struct err e = {};

		if (round_of(w, &e) != ST_OK)
			LOG(LOG_WARN, "keeper.check_failed",
				KV_STR("why", str_of(e.text)));
		(void)nanosleep(&wait, NULL);
	}
	return NULL;
}

void keeper_checks_stop(struct keeper_checks **c)
{
	if (*c == NULL)
		return;
	(*c)->stop = true;
	for (size_t i = 0; i < (*c)->n; i++) {
		if ((*c)->workers[i].c != NULL)
			BUG(pthread_join((*c)->workers[i].thread, NULL) != 0);
		store_close(&(*c)->workers[i].s);
	}
	mem_free((*c)->workers);
	mem_free(*c);
	*c = NULL;
}

enum status keeper_checks_start(const struct keeper_checks_options *opt,
	size_t n, struct keeper_checks **out, struct err *e)
{
	struct keeper_checks *c = mem_must(sizeof(*c));
	enum status st = ST_OK;

	c->opt = *opt;
	c->n = n;
	c->workers = mem_must(n * sizeof(*c->workers));
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct worker *w = &c->workers[i];

		w->i = i;
		st = store_open(opt->database, &w->s, e);
		if (st != ST_OK)
			break;
		w->c = c;
		if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
			w->c = NULL;
			st = err_set(e, ST_TEMP, "no thread can be started");
		}
	}
	if (st == ST_OK) {
		*out = c;
		c = NULL;
	}
	keeper_checks_stop(&c);
	return st;
}
