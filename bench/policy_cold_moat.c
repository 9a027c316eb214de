/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_cold_moat: first look-ups as the role policy does them, without the
 * role: record and policy of each domain, some at a time, on one loop.
 *
 *     policy_cold_moat DNS-PORT HTTPS-PORT CA.pem FIRST N PARALLEL
 *
 * Domains and output as policy_cold_floor.
 */
#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/dns_lookup.h"
#include "outbound/sts_discover.h"

#include "base/poison.h"

struct cold {
	struct loop *loop;
	struct sts_discover_env env;
	uint32_t next, end, running;
};

/* One domain at a time. */
struct asker {
	struct cold *cold;
	struct sts_record_lookup *record;
	struct sts_fetch *fetch;
	char domain[64];
};

static void next(struct asker *x);

static void on_fetch(void *ctx, const struct sts_fetch_result *r)
{
	struct asker *x = ctx;

	if (!r->fetched)
		(void)fprintf(stderr, "%s\n", r->why.text);
	BUG(!r->fetched);
	next(x);
}

static void on_record(void *ctx, const struct sts_record_result *r)
{
	struct asker *x = ctx;

	if (r->temp || r->outcome != STS_RECORD_VALID)
		(void)fprintf(stderr, "%s: %s\n", x->domain, r->why.text);
	BUG(r->temp || r->outcome != STS_RECORD_VALID);
	sts_fetch_start(
		&x->fetch, &x->cold->env, str_of(x->domain), on_fetch, x);
}

static void next(struct asker *x)
{
	struct cold *c = x->cold;

	if (c->next == c->end) {
		if (--c->running == 0)
			loop_stop(c->loop);
		return;
	}
	(void)snprintf(
		x->domain, sizeof(x->domain), "h%06u.example", c->next++);
	sts_record_start(&x->record, &c->env, str_of(x->domain), on_record, x);
}

static double now(clockid_t id)
{
	struct timespec t;

	BUG(clock_gettime(id, &t) != 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(enum status st, const struct err *e)
{
	if (st != ST_OK)
		(void)fprintf(stderr, "policy_cold_moat: %s\n", e->text);
	BUG(st != ST_OK);
}

static uint32_t number(const char *text)
{
	uint32_t n = 0;

	BUG(num_u32(str_of(text), 0, 10000000, &n) != ST_OK);
	return n;
}

static void open_world(struct cold *c, char **argv, struct arena *a)
{
	struct https_client_options https = { .ca_file = argv[3],
		.user_agent = "moat" };
	struct str server = arena_fmt(a, "127.0.0.1:%s", argv[1]);
	struct dns_lookups_options dns = {
		.mode = DNS_LOOKUP_TRUST, .servers = &server, .n_servers = 1
	};
	struct err e = {};

	c->loop = c->env.loop = loop_new();
	c->env.port = (uint16_t)number(argv[2]);
	c->env.allow_private = true;
	must(https_client_new(c->loop, &https, &c->env.https, &e), &e);
	must(dns_lookups_open(c->loop, &dns, &c->env.dns, &e), &e);
}

int main(int argc, char **argv)
{
	struct arena *a = arena_must(0);
	struct cold c = {};
	struct asker *askers;
	double cpu, wall;
	uint32_t first;

	if (argc != 7) {
		(void)fprintf(stderr, "usage: policy_cold_moat DNS-PORT "
				      "HTTPS-PORT CA.pem FIRST N PARALLEL\n");
		return 64;
	}
	open_world(&c, argv, a);
	first = c.next = number(argv[4]);
	c.end = c.next + number(argv[5]);
	c.running = number(argv[6]);
	askers = arena_array(a, c.running, sizeof(*askers));
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	wall = now(CLOCK_MONOTONIC);
	for (uint32_t i = 0; i < number(argv[6]); i++) {
		askers[i].cold = &c;
		next(&askers[i]);
	}
	loop_run(c.loop);
	(void)printf("{\"n\": %u, \"cpu_s\": %.6f, \"wall_s\": %.6f}\n",
		c.end - first, now(CLOCK_PROCESS_CPUTIME_ID) - cpu,
		now(CLOCK_MONOTONIC) - wall);
	dns_lookups_close(&c.env.dns);
	https_client_free(&c.env.https);
	loop_free(&c.loop);
	arena_free(&a);
	return 0;
}
