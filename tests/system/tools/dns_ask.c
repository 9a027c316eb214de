/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_ask: look-ups and DANE discoveries from standard input, one JSON line
 * each to standard output, so that tests can drive io/dns_lookup and
 * outbound/dane_discover against real servers.
 *
 *     dns_ask validate|trust|off [server=IP:PORT] [stub=ZONE=IP:PORT]
 *         [anchor=FILE] [resolv_conf=FILE] [check=NAME] [bogus=NAME]
 *
 *     lookup NAME TYPE-NUMBER     discover DOMAIN [PORT]
 *     host HOST [PORT]            check     state     counts
 *
 * Lines given at once run at once; answers come as they do. The end of input
 * ends the program when all are answered.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/dns_lookup.h"
#include "io/resolv_conf.h"
#include "io/sandbox.h"
#include "outbound/dane_discover.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

#define WORDS_MAX 3
#define LINE_MAX_BYTES 4096
#define SERVERS_MAX 8
#define LOOKUP_MS 8000
#define DISCOVER_MS 10000
#define JSON_MAX (1u << 20)

struct program {
	struct loop *loop;
	struct dns_lookups *lookups;
	struct loop_io in;
	char line[LINE_MAX_BYTES];
	size_t line_n;
	size_t running;
	bool eof;
};

/* One command under way. */
struct job {
	struct program *p;
	struct arena *arena;
	struct str name;
	uint16_t type;
	struct dns_lookup lookup;
	struct dane_discover discover;
};

static void end_if_idle(struct program *p)
{
	if (p->eof && p->running == 0)
		loop_stop(p->loop);
}

static void print(const struct sbuf *b)
{
	struct str s = sbuf_str(b);

	BUG(!sbuf_ok(b));
	(void)fwrite(s.p, 1, s.n, stdout);
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
}

static void job_free(void *ctx)
{
	struct job *job = ctx;

	arena_free(&job->arena);
	mem_free(job);
}

static void job_end(struct job *job)
{
	struct program *p = job->p;

	p->running--;
	loop_defer(p->loop, job_free, job);
	end_if_idle(p);
}

static void put_answer(
	struct json_writer *w, uint16_t type, const struct resolver_answer *a)
{
	static const char *const words[] = {
		[RESOLVER_INSECURE] = "insecure",
		[RESOLVER_SECURE] = "secure",
		[RESOLVER_BOGUS] = "bogus",
	};

	json_put_z(w, "security", words[a->security]);
	json_put_bool(w, "nxdomain", a->nxdomain);
	json_put_str(w, "canonical", a->canonical);
	json_put_int(w, "ttl", a->ttl);
	json_open_array(w, "rdata");
	for (size_t i = 0; i < a->n; i++) {
		char text[8192];
		struct sbuf b = sbuf_fixed(text, sizeof(text));

		dns_rdata_write(&b, type, a->rdata[i]);
		json_put_str(w, NULL, sbuf_str(&b));
	}
	json_close_array(w);
}

static void on_lookup(void *ctx, enum status st,
	const struct resolver_answer *a, const struct err *e)
{
	struct job *job = ctx;
	struct sbuf b = sbuf_arena(job->arena, JSON_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_str(&w, "name", job->name);
	json_put_int(&w, "type", job->type);
	json_put_z(&w, "status", status_name(st));
	if (st == ST_OK)
		put_answer(&w, job->type, a);
	else
		json_put_z(&w, "error", e->text);
	json_close_object(&w);
	print(&b);
	job_end(job);
}

static void put_hosts(struct json_writer *w, const struct dane_result *r)
{
	json_open_array(w, "mx");
	for (size_t i = 0; i < r->n_mx; i++) {
		json_open_object(w, NULL);
		json_put_str(w, "name", r->mx[i].name);
		json_put_int(w, "preference", r->mx[i].preference);
		json_put_z(w, "dane", dane_host_name(r->mx[i].dane));
		json_put_str(w, "tlsa_base", r->mx[i].tlsa_base);
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_steps(struct json_writer *w, const struct dane_result *r)
{
	json_open_array(w, "steps");
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct dane_step *s = &r->steps[i];

		json_open_object(w, NULL);
		json_put_str(w, "name", s->name);
		json_put_int(w, "type", s->type);
		json_put_z(w, "outcome", dane_outcome_name(s->outcome));
		json_put_bool(w, "secure", s->secure);
		json_put_int(w, "ttl", s->ttl_s);
		json_put_str(w, "text", s->text);
		json_close_object(w);
	}
	json_close_array(w);
}

static void on_discovered(void *ctx, const struct dane_result *r)
{
	struct job *job = ctx;
	struct sbuf b = sbuf_arena(job->arena, JSON_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_str(&w, "name", job->name);
	json_put_z(&w, "state", dane_state_name(r->state));
	json_put_bool(&w, "mx_known", r->mx_known);
	json_put_bool(&w, "mx_secure", r->mx_secure);
	json_put_bool(&w, "implicit_mx", r->implicit_mx);
	json_put_bool(&w, "null_mx", r->null_mx);
	json_put_bool(&w, "mx_cut", r->mx_cut);
	json_put_int(&w, "usable", (int64_t)r->n_usable);
	json_put_int(&w, "unusable", (int64_t)r->n_unusable);
	json_put_int(&w, "ttl", r->ttl_s);
	json_put_z(&w, "why", r->why.text);
	put_hosts(&w, r);
	put_steps(&w, r);
	json_close_object(&w);
	print(&b);
	job_end(job);
}

static void print_check(enum dns_dnssec state, const char *why)
{
	static const char *const words[] = {
		[DNS_DNSSEC_OFF] = "off",
		[DNS_DNSSEC_UNKNOWN] = "unknown",
		[DNS_DNSSEC_GOOD] = "good",
		[DNS_DNSSEC_BROKEN] = "broken",
	};
	char text[1024];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "dnssec", words[state]);
	json_put_z(&w, "why", why);
	json_close_object(&w);
	print(&b);
}

static void on_check(void *ctx, enum dns_dnssec state)
{
	struct program *p = ctx;
	struct err why = {};

	(void)dns_lookups_dnssec(p->lookups, &why);
	print_check(state, why.text);
}

static void print_counts(const struct program *p)
{
	struct dns_lookups_counts n = dns_lookups_counts(p->lookups);
	char text[1024];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_int(&w, "started", (int64_t)n.started);
	json_put_int(&w, "failed", (int64_t)n.failed);
	json_put_int(&w, "bogus", (int64_t)n.bogus);
	json_put_int(&w, "sent", (int64_t)n.sent);
	json_put_int(&w, "retried", (int64_t)n.retried);
	json_put_int(&w, "tcp", (int64_t)n.tcp);
	json_put_int(&w, "ignored", (int64_t)n.ignored);
	json_close_object(&w);
	print(&b);
}

static void discover(
	struct program *p, struct job *job, bool given, struct str port)
{
	struct dane_discover_env env = { p->loop, p->lookups, DISCOVER_MS };
	struct dane_target target = { .host = job->name, .given_host = given };
	uint32_t number = 0;

	if (port.n > 0)
		BUG(num_u32(port, 1, 65535, &number) != ST_OK);
	target.port = (uint16_t)number;
	dane_discover_start(
		&job->discover, &env, job->arena, &target, on_discovered, job);
}

static void run_line(struct program *p, struct str line)
{
	struct str verb = str_cut(&line, ' ');
	struct job *job;
	uint32_t type = 0;

	if (str_eq(verb, STR("check"))) {
		dns_lookups_check_start(p->lookups, on_check, p);
		return;
	}
	if (str_eq(verb, STR("state"))) {
		on_check(p, dns_lookups_dnssec(p->lookups, NULL));
		return;
	}
	if (str_eq(verb, STR("counts"))) {
		print_counts(p);
		return;
	}
	job = mem_must(sizeof(*job));
	job->p = p;
	job->arena = arena_must(0);
	job->name = arena_str(job->arena, str_cut(&line, ' '));
	p->running++;
	if (str_eq(verb, STR("lookup"))) {
		BUG(num_u32(line, 1, 65535, &type) != ST_OK);
		job->type = (uint16_t)type;
		dns_lookup_start(&job->lookup, p->lookups, job->name, job->type,
			LOOKUP_MS, on_lookup, job);
	} else {
		discover(p, job, str_eq(verb, STR("host")), line);
	}
}

static void on_input(void *ctx, unsigned ready)
{
	struct program *p = ctx;
	ssize_t n = read(
		STDIN_FILENO, p->line + p->line_n, sizeof(p->line) - p->line_n);
	struct str rest;

	(void)ready;
	if (n <= 0) {
		p->eof = true;
		loop_io_stop(&p->in);
		end_if_idle(p);
		return;
	}
	p->line_n += (size_t)n;
	rest = (struct str){ p->line, p->line_n };
	while (str_index(rest, '\n') >= 0)
		run_line(p, str_cut(&rest, '\n'));
	p->line_n = rest.p == NULL ? 0 : rest.n;
	if (p->line_n > 0)
		memmove(p->line, rest.p, p->line_n);
}

static bool take_option(struct dns_lookups_options *o, struct str *servers,
	struct resolver_stub *stubs, char *arg)
{
	struct str value = str_of(arg), key = str_cut(&value, '=');

	if (str_eq(key, STR("server")) && o->n_servers < SERVERS_MAX)
		servers[o->n_servers++] = value;
	else if (str_eq(key, STR("stub")) && o->n_stubs < SERVERS_MAX) {
		stubs[o->n_stubs].zone = str_cut(&value, '=');
		stubs[o->n_stubs++].server = value;
	} else if (str_eq(key, STR("anchor")))
		o->root_anchor = value.p;
	else if (str_eq(key, STR("resolv_conf")))
		o->resolv_conf = value.p;
	else if (str_eq(key, STR("check")))
		o->check_name = value;
	else if (str_eq(key, STR("bogus")))
		o->bogus_name = value;
	else
		return false;
	return true;
}

/* As a role does: after opening, with nothing left to read but one file. */
static void enter_sandbox(const char *resolv_conf)
{
	char folder1[PATH_MAX] = "", folder2[PATH_MAX] = "";
	const char *const read[] = { folder1, folder2, NULL };
	const struct sandbox box = { .allow = SANDBOX_NET_OUT | SANDBOX_READ,
		.read = read };
	struct err e = {};

	if (resolv_conf != NULL)
		resolv_conf_folders(resolv_conf, folder1, folder2);
	if (sandbox_enter(&box, &e) != ST_OK) {
		(void)fprintf(stderr, "dns_ask: %s\n", e.text);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	struct str servers[SERVERS_MAX];
	struct resolver_stub stubs[SERVERS_MAX];
	struct dns_lookups_options o = { .servers = servers, .stubs = stubs };
	struct program p = { .loop = loop_new() };
	struct err e = {};

	for (int i = 2; i < argc; i++)
		BUG(!take_option(&o, servers, stubs, argv[i]));
	BUG(argc < 2);
	o.mode = str_eq(str_of(argv[1]), STR("validate")) ? DNS_LOOKUP_VALIDATE
		 : str_eq(str_of(argv[1]), STR("trust"))  ? DNS_LOOKUP_TRUST
							  : DNS_LOOKUP_OFF;
	if (dns_lookups_open(p.loop, &o, &p.lookups, &e) != ST_OK) {
		(void)fprintf(stderr, "dns_ask: %s\n", e.text);
		loop_free(&p.loop);
		return EXIT_FAILURE;
	}
	enter_sandbox(o.resolv_conf);
	loop_io_start(&p.in, p.loop, STDIN_FILENO, LOOP_READ, on_input, &p);
	loop_run(p.loop);
	loop_io_stop(&p.in);
	dns_lookups_close(&p.lookups);
	loop_free(&p.loop);
	return EXIT_SUCCESS;
}
