/* SPDX-License-Identifier: Apache-2.0 */
/* publish: rows to the view. */
#include "hosting/publish.h"

#include "base/base64.h"
#include "base/bug.h"
#include "base/vec.h"
#include "hosting/proof.h"
#include "io/crypto.h"

#include "base/poison.h"

#define PAGE 500
#define PAGES_PER_COMMIT 40
#define FORMAT "1" /* raise it when the same rows are published otherwise */

/* ---- names ---- */

static enum status set_names(
	const struct publish *p, const struct zone_names *names, struct err *e)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < names->n; i++)
		st = view_set_name(p->view, names->items[i].owner,
			names->items[i].sets, names->items[i].n, e);
	return st;
}

/* Labels that the domain had once, or has no longer. */
static enum status drop_labels(const struct publish *p, struct arena *a,
	struct str tenant, struct str name, struct str keep, struct err *e)
{
	struct store_strs labels;
	enum status st;

	st = store_domain_labels(p->store, a, tenant, name, &labels, e);
	for (size_t i = 0; st == ST_OK && i < labels.n; i++) {
		struct zone_names names = {};

		if (str_eq(labels.items[i], keep))
			continue;
		if (p->zone->origin.n > 0)
			zone_no_names(a, p->zone, labels.items[i], &names);
		st = set_names(p, &names, e);
		if (st == ST_OK)
			st = view_set_label(p->view, labels.items[i], NULL, e);
	}
	return st;
}

/* The rows beside a domain's own that say what is answered. */
struct around {
	struct str host;
	struct store_cert cert; /* id.n == 0: none */
	struct store_challenge *challenges;
	size_t n;
};

static enum status look_around(const struct publish *p, struct arena *a,
	struct str tenant, struct str host, struct around *out, struct err *e)
{
	enum status st;

	*out = (struct around){ .host = host };
	st = store_cert_current(p->store, a, tenant, host, &out->cert, e);
	if (st == ST_NOTFOUND)
		st = ST_OK;
	if (st == ST_OK)
		st = store_challenge_list(p->store, a, tenant, host,
			&out->challenges, &out->n, e);
	return st;
}

static enum status set_domain(const struct publish *p, struct arena *a,
	const struct store_domain *d, const struct around *r, struct err *e)
{
	struct view_label label = { d->tenant, d->name };
	struct store_strs txt01 = { arena_array(a, r->n, sizeof(struct str)),
		0 };
	bool shown = r->cert.id.n > 0 || d->served_since > 0;
	struct zone_names names = {};
	enum status st;

	for (size_t i = 0; i < r->n; i++)
		if (r->challenges[i].type == STORE_CHALLENGE_DNS01)
			txt01.items[txt01.n++] = r->challenges[i].value;
	if (p->zone->origin.n > 0)
		zone_domain_names(a, p->zone, d, &txt01, shown, &names);
	st = set_names(p, &names, e);
	if (st == ST_OK)
		st = view_set_label(p->view, d->label, &label, e);
	return st;
}

/* ---- hosts ---- */

static void fill_host(
	struct arena *a, const struct around *r, struct view_host *h)
{
	struct str id;

	if (r->cert.id.n > 0 && hex_parse(a, r->cert.id, &id) == ST_OK) {
		h->cert_id = id;
		h->chain = r->cert.chain.items;
		h->n_chain = r->cert.chain.n;
		h->key_sealed = r->cert.key_sealed;
	}
	h->http01 = arena_array(a, r->n, sizeof(*h->http01));
	for (size_t i = 0; i < r->n; i++) {
		const struct store_challenge *c = &r->challenges[i];

		if (c->type == STORE_CHALLENGE_HTTP01)
			h->http01[h->n_http01++] =
				(struct view_http01){ c->token, c->value };
		if (c->type == STORE_CHALLENGE_ALPN01) {
			h->alpn_cert = c->cert_der;
			h->alpn_key_sealed = c->key_sealed;
		}
	}
}

static int rank(enum store_proof proof)
{
	switch (proof) {
	case STORE_PROOF_NONE:
		return 0;
	case STORE_PROOF_ACME:
		return 1;
	case STORE_PROOF_TXT:
		return 2;
	case STORE_PROOF_CNAME:
		return 3;
	}
	return 0;
}

const struct store_domain *publish_winner(
	const struct store_domain *rows, size_t n)
{
	const struct store_domain *best = NULL;

	for (size_t i = 0; i < n; i++) {
		int mine = rank(rows[i].proof);

		if (mine == 0)
			continue;
		if (best == NULL || mine > rank(best->proof) ||
			(mine == rank(best->proof) &&
				rows[i].proof_since > best->proof_since))
			best = &rows[i];
	}
	return best;
}

/* The host of all tenants' claims on name. */
static enum status set_policy_host(const struct publish *p, struct arena *a,
	struct str name, struct str host, struct err *e)
{
	struct view_host h = { .kind = VIEW_HOST_POLICY };
	const struct store_domain *d;
	struct store_domain *rows;
	struct around r;
	enum status st;
	size_t n;

	st = store_domain_claims(p->store, a, name, &rows, &n, e);
	if (st != ST_OK)
		return st;
	d = publish_winner(rows, n);
	if (d == NULL)
		return view_set_host(p->view, host, NULL, e);
	st = look_around(p, a, d->tenant, host, &r, e);
	if (st != ST_OK)
		return st;
	h.tenant = d->tenant;
	h.domain = d->name;
	if (proof_serves(d->proof) && d->policy_body.n > 0)
		h.policy = d->policy_body;
	fill_host(a, &r, &h);
	/* It is on record before the first stranger can see it. */
	if (h.policy.p != NULL && h.n_chain > 0 && d->served_since == 0)
		st = store_domain_served(
			p->store, d->tenant, d->name, p->now, e);
	return st == ST_OK ? view_set_host(p->view, host, &h, e) : st;
}

static enum status set_system_host(const struct publish *p, struct arena *a,
	struct str host, enum view_host_kind kind, struct err *e)
{
	struct view_host h = { .kind = kind };
	struct around r;
	enum status st;

	st = look_around(p, a, STORE_TENANT_SYSTEM, host, &r, e);
	if (st != ST_OK)
		return st;
	fill_host(a, &r, &h);
	return view_set_host(p->view, host, &h, e);
}

/* ---- exported ---- */

/* One tenant's domain: its names, its label, and the host mta-sts.NAME. */
static enum status publish_domain(const struct publish *p, struct arena *a,
	struct str tenant, struct str name, struct err *e)
{
	struct str host = arena_fmt(a, "mta-sts.%.*s", STR_ARG(name));
	struct str keep = {};
	struct store_domain d;
	struct around r;
	enum status st;

	st = store_domain_get(p->store, a, tenant, name, &d, e);
	if (st == ST_OK) {
		keep = d.label;
		st = look_around(p, a, tenant, host, &r, e);
		if (st == ST_OK)
			st = set_domain(p, a, &d, &r, e);
	} else if (st == ST_NOTFOUND) {
		st = ST_OK;
	}
	if (st == ST_OK)
		st = drop_labels(p, a, tenant, name, keep, e);
	if (st == ST_OK)
		st = set_policy_host(p, a, name, host, e);
	return st;
}

/* What depends on the settings alone: static names and system hosts. */
static enum status publish_system(
	const struct publish *p, struct arena *a, struct err *e)
{
	const struct zone_config *c = p->zone;
	struct zone_names names = {};
	enum status st = ST_OK;

	if (c->origin.n > 0)
		zone_static_names(a, c, &names);
	st = set_names(p, &names, e);
	if (st == ST_OK && c->console_host.n > 0)
		st = set_system_host(
			p, a, c->console_host, VIEW_HOST_CONSOLE, e);
	if (st == ST_OK && c->report_host.n > 0)
		st = set_system_host(p, a, c->report_host, VIEW_HOST_REPORT, e);
	return st;
}

enum status publish_change(const struct publish *p, struct arena *a,
	const struct store_change *c, struct err *e)
{
	struct str prefix = PUBLISH_HOST_PREFIX;

	switch (c->kind) {
	case STORE_CHANGE_DOMAIN:
		return publish_domain(p, a, c->tenant, c->key, e);
	case STORE_CHANGE_CERT:
	case STORE_CHANGE_CHALLENGE:
		if (str_eq(c->tenant, STORE_TENANT_SYSTEM))
			return publish_system(p, a, e);
		if (str_starts(c->key, prefix))
			return publish_domain(
				p, a, c->tenant, str_from(c->key, prefix.n), e);
		return ST_OK;
	case STORE_CHANGE_REBUILD:
		break;
	}
	return ST_OK;
}

enum status publish_all(struct publish *p, struct err *e)
{
	struct store_domain_filter f = { .limit = PAGE };
	struct arena *rows_arena = arena_must(0);
	struct arena *a = arena_must(0);
	struct store_domain *rows;
	size_t n = PAGE, pages = 0;
	enum status st;

	st = publish_system(p, a, e);
	while (st == ST_OK && n == PAGE) {
		st = store_domain_list(p->store, rows_arena, &f, &rows, &n, e);
		for (size_t i = 0; st == ST_OK && i < n; i++) {
			arena_reset(a);
			st = publish_domain(
				p, a, rows[i].tenant, rows[i].name, e);
		}
		if (st != ST_OK || n < PAGE)
			break;
		arena_reset(a);
		f.after_tenant = arena_str(a, rows[n - 1].tenant);
		f.after_name = arena_str(a, rows[n - 1].name);
		arena_reset(rows_arena);
		f.after_tenant = arena_str(rows_arena, f.after_tenant);
		f.after_name = arena_str(rows_arena, f.after_name);
		if (++pages % PAGES_PER_COMMIT == 0) {
			st = view_writer_commit(p->view, e);
			if (st == ST_OK)
				st = view_writer_begin(p->view, e);
		}
	}
	arena_free(&a);
	arena_free(&rows_arena);
	return st;
}

static void add_strs(struct sbuf *b, const struct str *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sbuf_fmt(b, "%.*s ", STR_ARG(items[i]));
	sbuf_addc(b, '\n');
}

static void add_addresses(
	struct sbuf *b, const struct zone_address *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sbuf_fmt(b, "%.*s=", STR_ARG(items[i].name));
		sbuf_escaped(b, items[i].bytes);
		sbuf_addc(b, ' ');
	}
	sbuf_addc(b, '\n');
}

struct str publish_fingerprint(struct arena *a, const struct zone_config *c)
{
	unsigned char digest[CRYPTO_SHA256_BYTES];
	struct sbuf b = sbuf_arena(a, (size_t)1 << 20);
	struct sbuf hex = sbuf_arena(a, 2 * sizeof(digest));
	struct str single[] = { STR(FORMAT), c->origin, c->hostmaster,
		c->report_host, c->console_host, c->caa_account };

	add_strs(&b, single, sizeof(single) / sizeof(single[0]));
	add_strs(&b, c->name_servers, c->n_name_servers);
	add_strs(&b, c->caa_issuers, c->n_caa_issuers);
	add_addresses(&b, c->server_addresses, c->n_server_addresses);
	add_addresses(&b, c->edge, c->n_edge);
	BUG(!sbuf_ok(&b));
	crypto_sha256(sbuf_str(&b), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		sbuf_fmt(&hex, "%02x", digest[i]);
	return sbuf_str(&hex);
}
