/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts_discover, the policy: RFC 8461 sections 3.2 and 3.3. The addresses of
 * mta-sts.DOMAIN, then one GET from them, then the policy in it.
 */
#include <string.h>

#include "outbound/sts_discover.h"

#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"
#include "io/dns_lookup.h"
#include "proto/dns_rr.h"
#include "proto/sts_limits.h"

#include "base/poison.h"

#define HTTPS_PORT 443
#define WELL_KNOWN "/.well-known/mta-sts.txt"

enum { V4, V6, FAMILIES };

static const uint16_t types[FAMILIES] = { DNS_TYPE_A, DNS_TYPE_AAAA };

struct family {
	struct sts_fetch *x;
	struct dns_lookup dns;
	bool temp; /* nobody knows whether there are addresses */
	struct err why;
	struct addr addrs[STS_DISCOVER_ADDRS_MAX];
	size_t n;
};

struct sts_fetch {
	struct sts_fetch **handle;
	const struct sts_discover_env *env;
	sts_fetch_fn *fn;
	void *ctx;
	struct arena *a;
	struct str host;
	struct mono started;
	struct family family[FAMILIES];
	unsigned waiting; /* for so many families */
	struct addr addrs[STS_DISCOVER_ADDRS_MAX];
	struct https_get *get;
	struct sts_fetch_result r;
};

/* ---- the end ---- */

static void free_fetch(void *ctx)
{
	struct sts_fetch *x = ctx;

	arena_free(&x->a);
	mem_free(x);
}

static void stop(struct sts_fetch *x)
{
	for (size_t i = 0; i < FAMILIES; i++)
		dns_lookup_cancel(&x->family[i].dns);
	https_get_cancel(&x->get);
	*x->handle = NULL;
	loop_defer(x->env->loop, free_fetch, x);
}

static int64_t since_start(const struct sts_fetch *x)
{
	return loop_now(x->env->loop).ms - x->started.ms;
}

static void end(struct sts_fetch *x)
{
	x->r.total_ms = since_start(x);
	stop(x);
	x->fn(x->ctx, &x->r);
}

static void fail(struct sts_fetch *x, enum tlsrpt_result failure,
	const char *reason, const char *why)
{
	x->r.failure = failure;
	x->r.reason = str_of(reason);
	(void)err_set(&x->r.why, ST_TEMP, "%.*s: %s", STR_ARG(x->host), why);
	end(x);
}

/* ---- the answer ---- */

/* Why there was no answer, as docs/policy-lookup.md has it. */
static const char *const outcome_reason[] = {
	[HTTPS_NO_ADDRESS] = "dns-no-address",
	[HTTPS_CONNECT] = "connect-failed",
	[HTTPS_TLS] = "tls-failed",
	[HTTPS_IO] = "connection-broken",
	[HTTPS_TIME] = "timeout",
	[HTTPS_TOO_BIG] = "too-large",
	[HTTPS_PROTOCOL] = "http-error",
};

/*
 * A web server that answers every path with a page says 200 too, so the media
 * type decides (a SHOULD of section 3.2): text/plain, parameters ignored.
 */
static bool is_text_plain(struct str content_type)
{
	struct str rest = content_type;

	return str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("text/plain"));
}

static void take_policy(struct sts_fetch *x, struct str body)
{
	struct err why = {};

	BUG(sts_policy_parse(x->a, body, &x->r.policy, &why) != ST_OK);
	if (x->r.policy.outcome != STS_POLICY_VALID) {
		fail(x, TLSRPT_STS_POLICY_INVALID, "policy-syntax", why.text);
		return;
	}
	x->r.text = body;
	x->r.fetched = true;
	end(x);
}

static void take_answer(struct sts_fetch *x, const struct https_result *h)
{
	if (h->http_status != 200)
		fail(x, TLSRPT_STS_POLICY_FETCH_ERROR,
			arena_fmt(x->a, "http-status-%d", h->http_status).p,
			arena_fmt(x->a,
				"it answers with status %d, a sender needs 200 "
				"(RFC 8461 section 3.3)",
				h->http_status)
				.p);
	else if (!is_text_plain(h->content_type))
		fail(x, TLSRPT_STS_POLICY_FETCH_ERROR, "media-type",
			"the answer is not text/plain (RFC 8461 section 3.2)");
	else
		take_policy(x, h->body);
}

static void on_get(void *ctx, const struct https_result *h)
{
	struct sts_fetch *x = ctx;

	x->r.https = h;
	switch (h->outcome) {
	case HTTPS_DONE:
		take_answer(x, h);
		break;
	case HTTPS_CERT:
		fail(x, TLSRPT_STS_WEBPKI_INVALID,
			arena_fmt(
				x->a, "certificate-%s", tls_cert_name(h->cert))
				.p,
			h->why.text);
		break;
	case HTTPS_NO_ADDRESS:
	case HTTPS_CONNECT:
	case HTTPS_TLS:
	case HTTPS_IO:
	case HTTPS_TIME:
	case HTTPS_TOO_BIG:
	case HTTPS_PROTOCOL:
		fail(x, TLSRPT_STS_POLICY_FETCH_ERROR,
			outcome_reason[h->outcome], h->why.text);
		break;
	}
}

/* ---- addresses ---- */

static bool may_connect(
	const struct sts_discover_env *env, const struct addr *a)
{
	struct str bytes = addr_bytes(a);
	struct ip_addr ip;

	if (env->allow_private || addr_is_public(a))
		return true;
	if (bytes.n == 4)
		ip = ip_addr_v4((const uint8_t *)bytes.p);
	else
		memcpy(ip.b, bytes.p, sizeof(ip.b));
	for (size_t i = 0; i < env->n_allowed; i++)
		if (ip_net_has(&env->allowed[i], &ip))
			return true;
	return false;
}

/* One family after the other: a broken IPv6 must not cost every fetch a wait,
 * so IPv4 is first. */
static size_t merge(struct sts_fetch *x)
{
	size_t n = 0;

	for (size_t i = 0; i < STS_DISCOVER_ADDRS_MAX; i++)
		for (size_t k = 0; k < FAMILIES; k++)
			if (i < x->family[k].n && n < STS_DISCOVER_ADDRS_MAX)
				x->addrs[n++] = x->family[k].addrs[i];
	return n;
}

static void get(struct sts_fetch *x)
{
	int all = x->env->fetch_ms > 0 ? x->env->fetch_ms
				       : STS_DISCOVER_FETCH_MS;
	int64_t left = all - since_start(x);
	struct https_get_request req = {
		.host = x->host,
		.path = STR(WELL_KNOWN),
		.addrs = x->addrs,
		.n_addrs = x->r.n_addrs,
		.deadline_ms = left > 0 ? (int)left : 1,
		.connect_ms = x->env->connect_ms > 0 ? x->env->connect_ms
						     : STS_DISCOVER_CONNECT_MS,
		.max_bytes = STS_POLICY_BYTES_MAX,
	};

	https_get_start(&x->get, x->env->https, &req, on_get, x);
}

static void addresses_known(struct sts_fetch *x)
{
	const struct family *f = x->family;
	const struct family *temp = f[V4].temp ? &f[V4] : &f[V6];

	x->r.dns_ms = since_start(x);
	x->r.addrs = x->addrs;
	x->r.n_addrs = merge(x);
	if (x->r.n_addrs > 0)
		get(x);
	else if (x->r.n_refused > 0)
		fail(x, TLSRPT_STS_POLICY_FETCH_ERROR, "address-refused",
			"it has private or special addresses only, see "
			"policy.allow_networks");
	else if (temp->temp)
		fail(x, TLSRPT_STS_POLICY_FETCH_ERROR, "dns-error",
			temp->why.text);
	else
		fail(x, TLSRPT_STS_POLICY_FETCH_ERROR, "dns-no-address",
			"it has no address");
}

static void take_addresses(
	struct family *f, size_t type, const struct resolver_answer *answer)
{
	size_t size = type == V4 ? 4 : 16;
	struct sts_fetch *x = f->x;
	uint16_t port = x->env->port > 0 ? x->env->port : HTTPS_PORT;

	for (size_t i = 0; i < answer->n; i++) {
		struct addr a;

		if (answer->rdata[i].n != size)
			continue;
		a = addr_of_bytes(answer->rdata[i], port);
		if (!may_connect(x->env, &a))
			x->r.n_refused++;
		else if (f->n < STS_DISCOVER_ADDRS_MAX)
			f->addrs[f->n++] = a;
	}
}

static void on_answer(void *ctx, enum status st,
	const struct resolver_answer *answer, const struct err *e)
{
	struct family *f = ctx;
	struct sts_fetch *x = f->x;

	if (st == ST_OK && answer->security == RESOLVER_BOGUS) {
		f->temp = true;
		(void)err_set(&f->why, ST_TEMP, "DNSSEC: %.*s",
			STR_ARG(answer->why_bogus));
	} else if (st == ST_OK) {
		take_addresses(f, (size_t)(f - x->family), answer);
	} else if (st != ST_INVALID) {
		f->temp = true;
		f->why = *e;
	}
	if (--x->waiting == 0)
		addresses_known(x);
}

/* ---- start ---- */

static int dns_ms(const struct sts_discover_env *env)
{
	int one = env->dns_ms > 0 ? env->dns_ms : STS_DISCOVER_DNS_MS;
	int all = env->fetch_ms > 0 ? env->fetch_ms : STS_DISCOVER_FETCH_MS;

	return one < all ? one : all;
}

void sts_fetch_start(struct sts_fetch **handle,
	const struct sts_discover_env *env, struct str domain, sts_fetch_fn *fn,
	void *ctx)
{
	struct sts_fetch *x = mem_must(sizeof(*x));

	BUG(*handle != NULL);
	x->a = arena_must(0);
	x->handle = handle;
	x->env = env;
	x->fn = fn;
	x->ctx = ctx;
	x->started = loop_now(env->loop);
	x->host = arena_fmt(x->a, "mta-sts.%.*s", STR_ARG(domain));
	for (size_t i = 0; i < FAMILIES; i++) {
		x->family[i].x = x;
		x->waiting++;
		dns_lookup_start(&x->family[i].dns, env->dns, x->host, types[i],
			dns_ms(env), on_answer, &x->family[i]);
	}
	*handle = x;
}

void sts_fetch_cancel(struct sts_fetch **handle)
{
	if (*handle != NULL)
		stop(*handle);
}
