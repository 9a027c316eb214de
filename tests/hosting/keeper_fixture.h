/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database, a keeper and the view it writes, with a clock that the test moves
 * and looks at the world that the test makes up.
 */
#pragma once

#include <stdlib.h>

#include "base/clock.h"
#include "hosting/domain_ops.h"
#include "hosting/keeper.h"
#include "hosting/keeper_checks.h"
#include "proto/dns_rr.h"
#include "tests/io/tmpdir.h"
#include "tests/store/engines.h"

#define NOW 1795290000 /* 2026-11-21T19:40:00Z */

struct world {
	char dir[64], db[96], path[96];
	struct store *s;
	struct keeper *k;
	struct view *v;
	struct arena *a;
	struct err e;
	int64_t now;
	struct clock clock;
	struct zone_address edge[2], server;
	struct str name_server;
	struct zone_config zone;
	struct cert_config cert;
	struct keeper_options options;
	struct keeper_checks_options checks;
};

static inline struct mono world_mono(void *ctx)
{
	return (struct mono){ ((struct world *)ctx)->now * 1000 };
}

static inline struct unix_time world_now(void *ctx)
{
	return (struct unix_time){ ((struct world *)ctx)->now };
}

static inline int setup(void **state)
{
	struct world *t = calloc(1, sizeof(*t));

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/moat-keeper-XXXXXX");
	tmpdir_make(t->dir);
	(void)snprintf(t->db, sizeof(t->db), "%s/moat.db", t->dir);
	(void)snprintf(t->path, sizeof(t->path), "%s/view.mdb", t->dir);
	t->a = arena_must(0);
	t->now = NOW;
	t->clock = (struct clock){ world_mono, world_now, t };
	t->edge[0] = (struct zone_address){ .bytes = { "\300\0\2\1", 4 } };
	t->edge[1] = (struct zone_address){
		.bytes = { "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 }
	};
	t->name_server = STR("ns1.sts.example.net");
	t->server = (struct zone_address){ t->name_server,
		{ "\300\0\2\2", 4 } };
	t->zone = (struct zone_config){ .origin = STR("sts.example.net"),
		.name_servers = &t->name_server,
		.n_name_servers = 1,
		.server_addresses = &t->server,
		.n_server_addresses = 1,
		.edge = t->edge,
		.n_edge = 2,
		.report_host = STR("rua.sts.example.net") };
	t->options = (struct keeper_options){ .view_path = t->path,
		.view = VIEW_WRITER_DEFAULTS,
		.zone = &t->zone,
		.acme_directory = "https://ca/",
		.clock = &t->clock };
	t->options.view.commit_gap_ms = 0;
	t->options.view.no_sync = true;
	t->options.view.max_bytes = 64 << 20;
	t->cert.account.directory = STR("https://ca/");
	t->checks = (struct keeper_checks_options){ .database = t->db,
		.zone = &t->zone,
		.cert = &t->cert,
		.clock = &t->clock };
	OK(store_open(t->db, &t->s, &t->e));
	OK(keeper_open(t->s, &t->options, &t->k, &t->e));
	OK(view_open(t->path, &t->clock, &t->v, &t->e));
	*state = t;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *t = *state;

	keeper_close(&t->k);
	view_close(&t->v);
	store_close(&t->s);
	arena_free(&t->a);
	tmpdir_remove(t->dir);
	free(t);
	return 0;
}

/* Time goes on by four seconds, in eight looks. */
static inline void go_on(struct world *t)
{
	for (int i = 0; i < 8; i++) {
		t->now += i % 2;
		keeper_step(t->k);
	}
}

static inline struct domain_request request(struct world *t)
{
	return (struct domain_request){ .tenant = STORE_TENANT_DEFAULT,
		.name = STR("example.com"),
		.actor = STR("test"),
		.now = t->now };
}

static inline struct store_domain add(struct world *t)
{
	struct str mx[] = { STR("mx1.example.com") };
	struct store_strs list = { mx, 1 };
	struct domain_wish wish = { .mx = &list, .mx_confirmed = true };
	struct domain_request r = request(t);
	struct store_domain d;

	OK(domain_add(t->s, t->a, &r, &wish, &d, &t->e));
	return d;
}

static inline void found(struct world *t, enum proof_seen host)
{
	struct proof_look look = { .cname = { host } };
	struct store_strs mx = {};

	OK(keeper_found(&t->checks, t->s, t->a, STORE_TENANT_DEFAULT,
		STR("example.com"), &look, &mx, &t->e));
}

static inline void add_cert(struct world *t, const char *id)
{
	struct str der[] = { STR("leaf") };
	struct store_cert c = { .tenant = STORE_TENANT_DEFAULT,
		.host = STR("mta-sts.example.com"),
		.id = str_of(id),
		.chain = { der, 1 },
		.key_sealed = STR("sealed"),
		.not_after = NOW + 90 * UTC_DAY_S,
		.created = t->now,
		.renew_at = NOW + 60 * UTC_DAY_S };

	OK(store_cert_add(t->s, &c, &t->e));
}

#define ID_A "00000000000000000000000000000000000000000000000000000000000000aa"
#define ID_B "00000000000000000000000000000000000000000000000000000000000000bb"

/* The one TXT at PREFIX.label.zone, or an empty str. */
static inline struct str txt(
	struct world *t, const char *prefix, struct str label)
{
	struct view_name n;
	struct str owner = arena_fmt(
		t->a, "%s%.*s.sts.example.net", prefix, STR_ARG(label));
	struct str text = {};

	OK(view_name_get(t->v, t->a, owner, &n));
	for (size_t i = 0; i < n.n; i++)
		if (n.sets[i].type == DNS_TYPE_TXT)
			OK(dns_txt_read(t->a, n.sets[i].rdata[0], &text));
	return text;
}

static inline struct store_domain row(struct world *t)
{
	struct store_domain d;

	OK(store_domain_get(t->s, t->a, STORE_TENANT_DEFAULT,
		STR("example.com"), &d, &t->e));
	return d;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
