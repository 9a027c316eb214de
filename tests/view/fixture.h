/* SPDX-License-Identifier: Apache-2.0 */
/* fixture: a view in a folder of its own, with a clock that tests move. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/dns_rr.h"
#include "tests/io/tmpdir.h"
#include "view/view_writer.h"

#define OK(call)                                                               \
	do {                                                                   \
		enum status st_ = (call);                                      \
		if (st_ != ST_OK)                                              \
			print_error("%s: %s\n", #call, t->e.text);             \
		assert_int_equal(st_, ST_OK);                                  \
	} while (0)

struct fixture {
	char dir[64], path[96];
	struct view_writer_options opt;
	struct view_writer *w;
	struct view *v;
	struct arena *a;
	struct err e;
	struct clock clock;
	int64_t ms;
	unsigned char soa[300];
	struct view_zone zone;
};

static inline struct mono fixture_mono(void *ctx)
{
	return (struct mono){ ((struct fixture *)ctx)->ms };
}

static inline void fixture_zone(struct fixture *t)
{
	struct wire_out out = wire_out_of(t->soa, sizeof(t->soa));
	struct dns_soa soa = { .refresh = 3600, .minimum = 60 };

	assert_int_equal(
		dns_name_parse(STR("ns.sts.example.net"), &soa.mname), ST_OK);
	soa.rname = soa.mname;
	dns_soa_write(&out, &soa);
	t->zone = (struct view_zone){ .origin = STR("sts.example.net"),
		.serial = 100,
		.soa_ttl = 300,
		.soa = wire_out_str(&out) };
}

/* An empty view is published, a reader has it open. */
static inline int fixture_setup(void **state)
{
	struct fixture *t = calloc(1, sizeof(*t));

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/moat-view-XXXXXX");
	tmpdir_make(t->dir);
	(void)snprintf(t->path, sizeof(t->path), "%s/view.mdb", t->dir);
	t->opt = VIEW_WRITER_DEFAULTS;
	t->opt.commit_gap_ms = 0;
	t->opt.no_sync = true;
	t->opt.max_bytes = 64 << 20;
	t->a = arena_must(0);
	t->clock = (struct clock){ .mono = fixture_mono, .ctx = t };
	fixture_zone(t);
	OK(view_writer_create(t->path, &t->opt, &t->zone, &t->w, &t->e));
	OK(view_writer_publish(t->w, &t->e));
	OK(view_open(t->path, &t->clock, &t->v, &t->e));
	assert_true(view_healthy(t->v, NULL));
	*state = t;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *t = *state;

	view_writer_close(&t->w);
	view_close(&t->v);
	arena_free(&t->a);
	tmpdir_remove(t->dir);
	free(t);
	return 0;
}

/* One commit with one host whose policy is body. */
static inline void put_host(
	struct fixture *t, const char *host, const char *body)
{
	struct view_host h = { .policy = str_of(body), .domain = str_of(body) };

	OK(view_writer_begin(t->w, &t->e));
	OK(view_set_host(t->w, str_of(host), &h, &t->e));
	OK(view_writer_commit(t->w, &t->e));
}

/* Sets a name to one TXT-typed record without beginning or committing. */
static inline void set_txt(
	struct fixture *t, const char *owner, const char *rdata)
{
	struct str rd = str_of(rdata);
	struct view_rrset set = { DNS_TYPE_TXT, 60, &rd, 1 };

	OK(view_set_name(
		t->w, str_of(owner), &set, rdata[0] == '\0' ? 0 : 1, &t->e));
}
