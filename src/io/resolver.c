/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver: libunbound works in a thread of its own, so that a look-up can be
 * given up at its deadline; ub_resolve alone would wait as long as it likes.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/mem.h"
#include "io/addr.h"
#include "io/channel.h"
#include "io/resolver_own.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define SERVER_TEXT_MAX 80
#define RESOLV_CONF "/etc/resolv.conf"

struct resolver {
	struct ub_ctx *ub;
};

/* What a look-up waits for; outlives it only in the callback. */
struct wait {
	bool done;
	int error;
	struct ub_result *result;
};

/* "192.0.2.1@53", as libunbound wants it. */
static enum status server_text(
	struct str server, char *text, size_t cap, struct err *e)
{
	struct sbuf b = sbuf_fixed(text, cap - 1);
	struct addr a;

	if (addr_parse(server, 53, &a) != ST_OK)
		return err_set(e, ST_INVALID, "resolver %.*s: not an address",
			STR_ARG(server));
	addr_write_ip(&b, &a);
	sbuf_fmt(&b, "@%u", addr_port(&a));
	text[b.n] = '\0';
	return ST_OK;
}

static enum status add_server(
	struct ub_ctx *ub, struct str server, struct err *e)
{
	char text[SERVER_TEXT_MAX];
	enum status st = server_text(server, text, sizeof(text), e);
	int rc = st == ST_OK ? ub_ctx_set_fwd(ub, text) : 0;

	if (rc != 0)
		st = err_set(
			e, ST_PERM, "resolver %s: %s", text, ub_strerror(rc));
	return st;
}

static enum status add_stub(
	struct ub_ctx *ub, const struct resolver_stub *stub, struct err *e)
{
	char text[SERVER_TEXT_MAX], zone[DNS_NAME_TEXT_MAX + 1];
	struct sbuf b = sbuf_fixed(zone, sizeof(zone) - 1);
	enum status st = server_text(stub->server, text, sizeof(text), e);
	int rc;

	if (st != ST_OK)
		return st;
	sbuf_add(&b, stub->zone);
	zone[b.n] = '\0';
	rc = ub_ctx_set_stub(ub, zone, text, 0);
	if (rc != 0)
		return err_set(
			e, ST_PERM, "stub %s: %s", zone, ub_strerror(rc));
	return ST_OK;
}

static enum status add_servers(
	struct ub_ctx *ub, const struct resolver_options *o, struct err *e)
{
	enum status st = ST_OK;
	int rc;

	for (size_t i = 0; st == ST_OK && i < o->n_servers; i++)
		st = add_server(ub, o->servers[i], e);
	for (size_t i = 0; st == ST_OK && i < o->n_stubs; i++)
		st = add_stub(ub, &o->stubs[i], e);
	if (st != ST_OK || o->n_servers > 0)
		return st;
	rc = ub_ctx_resolvconf(ub, RESOLV_CONF);
	if (rc != 0)
		return err_set(
			e, ST_PERM, "%s: %s", RESOLV_CONF, ub_strerror(rc));
	return ST_OK;
}

static enum status add_anchor(
	struct ub_ctx *ub, const char *path, struct err *e)
{
	int rc;

	if (access(path, R_OK) < 0)
		return err_sys(e, ST_PERM, errno,
			"%s (the package dns-root-data has it; or set dnssec)",
			path);
	rc = ub_ctx_add_ta_file(ub, path);
	if (rc != 0)
		return err_set(e, ST_PERM, "%s: %s", path, ub_strerror(rc));
	return ST_OK;
}

enum status resolver_set_up(struct ub_ctx *ub, const struct resolver_options *o,
	const struct resolver_setting *settings, size_t n_settings,
	struct err *e)
{
	enum status st;

	(void)ub_ctx_debuglevel(ub, 0);
	for (size_t i = 0; i < n_settings; i++) {
		int rc = ub_ctx_set_option(
			ub, settings[i].name, settings[i].value);

		if (rc != 0)
			return err_set(e, ST_PERM, "libunbound: %s %s: %s",
				settings[i].name, settings[i].value,
				ub_strerror(rc));
	}
	st = add_servers(ub, o, e);
	if (st == ST_OK && o->dnssec == RESOLVER_VALIDATE)
		st = add_anchor(ub, o->root_anchor, e);
	return st;
}

enum status resolver_open(
	const struct resolver_options *o, struct resolver **out, struct err *e)
{
	/* Short lives in the cache: what we look at was just changed. */
	static const struct resolver_setting settings[] = {
		{ "cache-max-ttl:", "60" },
		{ "cache-max-negative-ttl:", "2" },
		{ "do-not-query-localhost:", "no" },
		{ "module-config:", "validator iterator" },
	};
	struct resolver *r = mem_must(sizeof(*r));
	enum status st;

	r->ub = ub_ctx_create();
	BUG(r->ub == NULL); /* out of memory or randomness */
	(void)ub_ctx_async(r->ub, 1);
	st = resolver_set_up(
		r->ub, o, settings, sizeof(settings) / sizeof(*settings), e);
	if (st == ST_OK) {
		*out = r;
		r = NULL;
	}
	resolver_close(&r);
	return st;
}

void resolver_close(struct resolver **r)
{
	if (*r == NULL)
		return;
	ub_ctx_delete((*r)->ub);
	mem_free(*r);
	*r = NULL;
}

static void on_answer(void *ctx, int error, struct ub_result *result)
{
	struct wait *w = ctx;

	w->done = true;
	w->error = error;
	w->result = result;
}

static enum status wait_for(struct resolver *r, struct wait *w, int id,
	struct mono deadline, struct err *e)
{
	struct pollfd p = { .fd = ub_fd(r->ub), .events = POLLIN };
	int rc, left;

	while (!w->done) {
		left = channel_left_ms(deadline);
		rc = left == 0 ? 0 : poll(&p, 1, left);
		if (rc < 0 && errno != EINTR)
			return err_sys(e, ST_TEMP, errno, "poll");
		if (rc == 0) {
			(void)ub_cancel(r->ub, id);
			if (!w->done) /* it may have come meanwhile */
				return err_set(e, ST_TEMP, "no answer in time");
		} else if (rc > 0) {
			(void)ub_process(r->ub);
		}
	}
	if (w->error != 0)
		return err_set(e, ST_TEMP, "%s", ub_strerror(w->error));
	return ST_OK;
}

static enum status copy(struct arena *a, struct str name,
	const struct ub_result *u, struct resolver_answer *out, struct err *e)
{
	struct resolver_answer ans = {
		.nxdomain = u->nxdomain != 0,
		.security = u->bogus	? RESOLVER_BOGUS
			    : u->secure ? RESOLVER_SECURE
					: RESOLVER_INSECURE,
		.canonical = arena_str(
			a, u->canonname != NULL ? str_of(u->canonname) : name),
		.why_bogus = arena_str(a, str_of(u->why_bogus)),
		.ttl = (uint32_t)u->ttl,
	};

	if (str_ends(ans.canonical, STR(".")) && ans.canonical.n > 1)
		ans.canonical.n--;
	while (u->havedata && !u->bogus && u->data[ans.n] != NULL)
		ans.n++;
	ans.rdata = arena_array(a, ans.n + 1, sizeof(*ans.rdata));
	for (size_t i = 0; i < ans.n && ans.rdata != NULL; i++)
		ans.rdata[i] = arena_str(
			a, (struct str){ u->data[i], (size_t)u->len[i] });
	if (ans.rdata == NULL || arena_full(a))
		return err_set(e, ST_LIMIT, "the answer is too large");
	*out = ans;
	return ST_OK;
}

enum status resolver_lookup(struct resolver *r, struct str name, uint16_t type,
	struct mono deadline, struct arena *a, struct resolver_answer *out,
	struct err *e)
{
	struct str text = arena_str(a, name);
	struct dns_name parsed;
	struct wait w = {};
	enum status st;
	int id, rc;

	if (text.p == NULL || dns_name_parse(text, &parsed) != ST_OK)
		return err_set(e, ST_INVALID, "not a domain name");
	rc = ub_resolve_async(
		r->ub, text.p, type, DNS_CLASS_IN, &w, on_answer, &id);
	if (rc != 0)
		return err_set(e, ST_TEMP, "%s", ub_strerror(rc));
	st = wait_for(r, &w, id, deadline, e);
	/* SERVFAIL, REFUSED and their kin say nothing about the name. */
	if (st == ST_OK && w.result->rcode != 0 && w.result->rcode != 3 &&
		!w.result->bogus)
		st = err_set(e, ST_TEMP, "the resolver answers with rcode %d",
			w.result->rcode);
	if (st == ST_OK)
		st = copy(a, name, w.result, out, e);
	ub_resolve_free(w.result);
	return st;
}
