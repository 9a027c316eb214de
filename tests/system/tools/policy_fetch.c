/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_fetch: what the role policy does to find out about one domain, for
 * the system tests; prints one JSON object.
 *
 *     policy_fetch [--ca FILE] [--dns IP:PORT] [--port N] [--deadline MS]
 *             [--connect MS] [--allow NET] [--private] WHAT NAME [IP:PORT...]
 *
 * WHAT: "get" (NAME is the host; from these addresses), "record" or "fetch"
 * (NAME is the domain).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/bug.h"
#include "base/json.h"
#include "base/num.h"
#include "io/dns_lookup.h"
#include "outbound/sts_discover.h"

#include "base/poison.h"

#define ADDRS_MAX 8
#define OUT_BYTES 1000000u

struct fetch {
	struct arena *a;
	struct loop *loop;
	struct sts_discover_env env;
	struct ip_net net;
	const char *ca_file;
	struct str dns;
	uint32_t port, deadline_ms, connect_ms;
	struct sbuf out;
	struct json_writer w;
};

static void must(enum status st, const struct err *e, const char *what)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "policy_fetch: %s: %s\n", what,
		e == NULL ? status_name(st) : e->text);
	exit(1);
}

static void put_addr(struct fetch *f, const char *name, const struct addr *to)
{
	char text[80];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	if (to->len > 0)
		addr_write(&b, to);
	json_put_str(&f->w, name, sbuf_str(&b));
}

static void put_https(struct fetch *f, const struct https_result *r)
{
	static const char *const names[] = { "done", "no-address", "connect",
		"tls", "cert", "io", "time", "too-big", "protocol" };

	json_put_z(&f->w, "outcome", names[r->outcome]);
	json_put_z(&f->w, "why", r->why.text);
	json_put_z(&f->w, "cert", tls_cert_name(r->cert));
	json_put_int(&f->w, "status", r->http_status);
	json_put_str(&f->w, "content_type", r->content_type);
	json_put_str(&f->w, "body", r->body);
	put_addr(f, "from", &r->from);
	json_put_int(&f->w, "not_after", r->not_after.s);
	json_put_str(&f->w, "issuer", r->issuer);
}

static void on_get(void *ctx, const struct https_result *r)
{
	struct fetch *f = ctx;

	json_open_object(&f->w, NULL);
	put_https(f, r);
	json_close_object(&f->w);
	loop_stop(f->loop);
}

static void on_record(void *ctx, const struct sts_record_result *r)
{
	static const char *const names[] = { "none", "valid", "invalid",
		"several" };
	struct fetch *f = ctx;

	json_open_object(&f->w, NULL);
	json_put_z(&f->w, "outcome", r->temp ? "temp" : names[r->outcome]);
	json_put_str(&f->w, "id", r->id);
	json_put_str(&f->w, "text", r->text);
	json_put_str(&f->w, "canonical", r->canonical);
	json_put_bool(&f->w, "nxdomain", r->nxdomain);
	json_put_bool(&f->w, "secure", r->security == RESOLVER_SECURE);
	json_put_int(&f->w, "texts", (int64_t)r->n_texts);
	json_put_int(&f->w, "ttl", r->ttl_s);
	json_put_z(&f->w, "why", r->why.text);
	json_close_object(&f->w);
	loop_stop(f->loop);
}

static void on_fetch(void *ctx, const struct sts_fetch_result *r)
{
	struct fetch *f = ctx;

	json_open_object(&f->w, NULL);
	json_put_bool(&f->w, "fetched", r->fetched);
	if (r->fetched) {
		json_put_z(&f->w, "mode", sts_mode_name(r->policy.mode));
		json_put_int(&f->w, "max_age", r->policy.max_age_s);
		json_put_str(&f->w, "text", r->text);
	} else {
		json_put_z(&f->w, "failure", tlsrpt_result_name(r->failure));
		json_put_str(&f->w, "reason", r->reason);
		json_put_z(&f->w, "why", r->why.text);
	}
	json_put_int(&f->w, "refused", (int64_t)r->n_refused);
	json_open_array(&f->w, "addresses");
	for (size_t i = 0; i < r->n_addrs; i++)
		put_addr(f, NULL, &r->addrs[i]);
	json_close_array(&f->w);
	if (r->https != NULL) {
		json_open_object(&f->w, "https");
		put_https(f, r->https);
		json_close_object(&f->w);
	}
	json_close_object(&f->w);
	loop_stop(f->loop);
}

static void get(struct fetch *f, const char *host, char **words, size_t n)
{
	struct addr to[ADDRS_MAX];
	struct https_get *g = NULL;
	struct https_get_request req = { .host = str_of(host),
		.path = STR("/.well-known/mta-sts.txt"),
		.addrs = to,
		.n_addrs = n,
		.deadline_ms = (int)f->deadline_ms,
		.connect_ms = (int)f->connect_ms,
		.max_bytes = 65536 };

	BUG(n > ADDRS_MAX);
	for (size_t i = 0; i < n; i++)
		must(addr_parse(str_of(words[i]), 443, &to[i]), NULL, words[i]);
	https_get_start(&g, f->env.https, &req, on_get, f);
	loop_run(f->loop);
	BUG(g != NULL);
}

static void discover(struct fetch *f, const char *what, const char *domain)
{
	struct dns_lookups_options o = { .mode = DNS_LOOKUP_TRUST,
		.servers = &f->dns,
		.n_servers = f->dns.n > 0 };
	struct sts_record_lookup *record = NULL;
	struct sts_fetch *fetch = NULL;
	struct err e = {};

	must(dns_lookups_open(f->loop, &o, &f->env.dns, &e), &e, "dns");
	if (str_eq(str_of(what), STR("record")))
		sts_record_start(
			&record, &f->env, str_of(domain), on_record, f);
	else
		sts_fetch_start(&fetch, &f->env, str_of(domain), on_fetch, f);
	loop_run(f->loop);
	BUG(record != NULL || fetch != NULL);
	dns_lookups_close(&f->env.dns);
}

static const struct option options[] = { { "ca", 1, NULL, 'c' },
	{ "dns", 1, NULL, 'd' }, { "port", 1, NULL, 'p' },
	{ "deadline", 1, NULL, 't' }, { "connect", 1, NULL, 'n' },
	{ "allow", 1, NULL, 'a' }, { "private", 0, NULL, 'l' }, {} };

static uint32_t number(const char *text)
{
	uint32_t n = 0;

	must(num_u32(str_of(text), 1, 1000000, &n), NULL, text);
	return n;
}

static void take_option(struct fetch *f, int c, const char *value)
{
	if (c == 'c')
		f->ca_file = value;
	else if (c == 'd')
		f->dns = str_of(value);
	else if (c == 'p')
		f->env.port = (uint16_t)number(value);
	else if (c == 't')
		f->deadline_ms = number(value);
	else if (c == 'n')
		f->connect_ms = number(value);
	else if (c == 'a')
		must(ip_net_parse(str_of(value), &f->net), NULL, value);
	else if (c == 'l')
		f->env.allow_private = true;
	else
		exit(64);
	f->env.n_allowed += c == 'a';
}

int main(int argc, char **argv)
{
	struct fetch f = { .deadline_ms = 20000, .connect_ms = 5000 };
	struct https_client_options o = {};
	struct err e = {};
	int c;

	f.a = arena_must(0);
	f.loop = loop_new();
	f.out = sbuf_arena(f.a, OUT_BYTES);
	f.w = json_writer_of(&f.out, 0);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(&f, c, optarg);
	if (argc - optind < 2)
		return 64;
	f.env.loop = f.loop;
	f.env.dns_ms = (int)f.deadline_ms;
	f.env.fetch_ms = (int)f.deadline_ms;
	f.env.connect_ms = (int)f.connect_ms;
	f.env.allowed = &f.net;
	o.ca_file = f.ca_file;
	o.user_agent = "moat/test (MTA-STS)";
	must(https_client_new(f.loop, &o, &f.env.https, &e), &e, "https");
	if (str_eq(str_of(argv[optind]), STR("get")))
		get(&f, argv[optind + 1], argv + optind + 2,
			(size_t)(argc - optind - 2));
	else
		discover(&f, argv[optind], argv[optind + 1]);
	BUG(!sbuf_ok(&f.out));
	(void)printf("%.*s\n", STR_ARG(sbuf_str(&f.out)));
	https_client_free(&f.env.https);
	loop_free(&f.loop);
	arena_free(&f.a);
	return 0;
}
