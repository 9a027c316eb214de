/* SPDX-License-Identifier: Apache-2.0 */
/* probe_web: fetching over HTTP and HTTPS from the addresses DNS gives. */
#include "check/probe_own.h"
#include "io/channel.h"
#include "io/http_client.h"
#include "proto/sts_policy.h"

#include "base/poison.h"

#define WELL_KNOWN "/.well-known/mta-sts.txt" /* RFC 8461 section 3.3 */

/* "host:port:address:port", by which the client connects without DNS. */
static struct str pin(struct job *j, struct str host, const struct addr *to)
{
	struct sbuf b = sbuf_arena(j->a, 512);
	bool v6 = to->ss.ss_family == AF_INET6;

	sbuf_fmt(&b, "%.*s:%u:%s", STR_ARG(host), addr_port(to), v6 ? "[" : "");
	addr_write_ip(&b, to);
	sbuf_fmt(&b, "%s:%u", v6 ? "]" : "", addr_port(to));
	sbuf_addc(&b, '\0');
	return sbuf_str(&b);
}

static struct str ip_text(struct job *j, const struct addr *a)
{
	struct sbuf b = sbuf_arena(j->a, 64);

	addr_write_ip(&b, a);
	return sbuf_str(&b);
}

/* One address, which is ip in text; false after job_end. */
static bool fetch(struct job *j, struct str host, const char *url,
	const struct addr *to, struct str ip, struct http_response *out)
{
	struct http_request req = {
		.method = "GET", .url = url, .connect_to = pin(j, host, to).p
	};
	enum status st = ST_TEMP;
	struct err e = {};

	/* Slow addresses, one after the other, hold a thread no longer. */
	if (channel_left_ms(j->deadline) > 0)
		st = http_client_do(j->p->http, j->a, &req, out, &e);
	else
		(void)err_set(&e, st, "no time is left to ask it");
	if (st != ST_OK)
		job_end(j, PROBE_UNKNOWN, "%.*s: %s", STR_ARG(ip), e.text);
	return st == ST_OK;
}

/* All addresses of host that may be asked; false after job_end if none. */
static bool targets(struct job *j, struct str host, uint16_t port,
	struct addr *to, size_t *n)
{
	struct addr all[PROBE_ADDRESSES_MAX];
	struct err e = {};
	size_t n_all;

	*n = 0;
	if (probe_addresses(j, host, port, all, &n_all, &e) != ST_OK) {
		job_end(j, PROBE_UNKNOWN, "%.*s: %s", STR_ARG(host), e.text);
		return false;
	}
	for (size_t i = 0; i < n_all; i++)
		if (job_may_reach(j, &all[i]))
			to[(*n)++] = all[i];
	if (*n > 0)
		return true;
	j->missing = n_all == 0;
	job_end(j, n_all == 0 ? PROBE_FAIL : PROBE_UNKNOWN,
		n_all == 0 ? "%.*s has no address"
			   : "%.*s has no public address",
		STR_ARG(host));
	return false;
}

/* One address; true if it gave what was expected, else job_end was called. */
static bool one_http(struct job *j, struct str host, const char *url,
	const struct addr *to, struct str expect)
{
	struct http_response r = {};
	struct str ip = ip_text(j, to);

	if (!fetch(j, host, url, to, ip, &r))
		return false;
	job_note(j, "%.*s: status %d, %zu bytes", STR_ARG(ip), r.status,
		r.body.n);
	if (r.status == 200 && str_eq(r.body, expect))
		return true;
	job_end(j, PROBE_FAIL,
		r.status == 200 ? "%.*s answers with something else"
				: "%.*s answers with status %d",
		STR_ARG(ip), r.status);
	return false;
}

void probe_do_http(struct job *j)
{
	struct addr to[PROBE_ADDRESSES_MAX];
	struct str host, path, expect, url;
	size_t n;

	if (!job_word(j, "host", &host) || !job_word(j, "path", &path) ||
		!job_word(j, "expect", &expect) ||
		!targets(j, host, j->p->o->http_port, to, &n))
		return;
	url = arena_fmt(j->a, "http://%.*s:%u%.*s", STR_ARG(host),
		j->p->o->http_port, STR_ARG(path));
	for (size_t i = 0; i < n; i++)
		if (!one_http(j, host, url.p, &to[i], expect))
			return;
	job_end(j, PROBE_PASS, "all %zu addresses answer as they should", n);
}

/* A policy a sender would accept; false after job_end. */
static bool good_policy(
	struct job *j, const struct http_response *r, struct str ip)
{
	struct str type = http_response_header(r, "content-type", 0);
	struct str media = str_trim(str_cut(&type, ';'));
	struct sts_policy policy;
	struct err why = {};

	if (r->status != 200) {
		job_end(j, PROBE_FAIL,
			"%.*s answers with status %d, a sender needs 200 "
			"(RFC 8461 section 3.3)",
			STR_ARG(ip), r->status);
		return false;
	}
	if (!str_eq_nocase(media, STR("text/plain"))) {
		job_end(j, PROBE_FAIL,
			"%.*s gives media type \"%.*s\", not text/plain "
			"(RFC 8461 section 3.2)",
			STR_ARG(ip), STR_ARG(str_upto(media, 80)));
		return false;
	}
	if (sts_policy_parse(j->a, r->body, &policy, &why) != ST_OK ||
		policy.outcome != STS_POLICY_VALID) {
		job_end(j, PROBE_FAIL, "%.*s: %s", STR_ARG(ip), why.text);
		return false;
	}
	return true;
}

static bool one_https(struct job *j, struct str host, const char *url,
	const struct addr *to, struct str expect)
{
	struct http_response r = {};
	struct str ip = ip_text(j, to);

	if (!fetch(j, host, url, to, ip, &r))
		return false;
	job_found(j, r.body);
	if (!good_policy(j, &r, ip))
		return false;
	if (expect.n == 0 || str_eq(r.body, expect))
		return true;
	job_end(j, PROBE_FAIL, "%.*s serves another policy than it should",
		STR_ARG(ip));
	return false;
}

void probe_do_https(struct job *j)
{
	struct addr to[PROBE_ADDRESSES_MAX];
	struct str host, expect, url;
	size_t n;

	if (!job_word(j, "host", &host) ||
		!targets(j, host, j->p->o->https_port, to, &n))
		return;
	expect = json_get_str(j->q, "expect");
	url = arena_fmt(j->a, "https://%.*s:%u" WELL_KNOWN, STR_ARG(host),
		j->p->o->https_port);
	for (size_t i = 0; i < n; i++)
		if (!one_https(j, host, url.p, &to[i], expect))
			return;
	job_end(j, PROBE_PASS, "all %zu addresses serve a valid policy", n);
}

static bool is_expected(const struct json *list, const struct addr *a)
{
	struct addr other;

	for (const struct json *v = list->first; v != NULL; v = v->next)
		if (addr_parse(json_str(v), 1, &other) == ST_OK &&
			str_eq(addr_bytes(a), addr_bytes(&other)))
			return true;
	return false;
}

void probe_do_address(struct job *j)
{
	const struct json *expect = json_get(j->q, "expect");
	struct addr all[PROBE_ADDRESSES_MAX];
	const struct addr *stray = NULL;
	struct err e = {};
	struct str host;
	size_t n;

	if (!job_word(j, "host", &host))
		return;
	if (expect == NULL || expect->type != JSON_ARRAY) {
		job_end(j, PROBE_UNKNOWN, "the question expects nothing");
		return;
	}
	if (probe_addresses(j, host, 1, all, &n, &e) != ST_OK) {
		job_end(j, PROBE_UNKNOWN, "%.*s: %s", STR_ARG(host), e.text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		job_found(j, ip_text(j, &all[i]));
		if (!is_expected(expect, &all[i]))
			stray = &all[i];
	}
	j->missing = n == 0;
	if (n == 0)
		job_end(j, PROBE_FAIL, "%.*s has no address", STR_ARG(host));
	else if (stray != NULL)
		job_end(j, PROBE_FAIL, "%.*s also leads to %.*s, not ours",
			STR_ARG(host), STR_ARG(ip_text(j, stray)));
	else
		job_end(j, PROBE_PASS, "%.*s leads to us", STR_ARG(host));
}
