/* SPDX-License-Identifier: Apache-2.0 */
/* dns_view: what the view holds, in the terms of dns_source. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/testing.h"

#include "hosting/dns_view.h"
#include "view/view_writer.h"

#include "base/poison.h"

#define ZONE "sts.example.net"
#define SERIAL 5u

struct fixture {
	char dir[64], path[80];
	struct arena *arena;
	struct view_writer *w;
	struct view *view;
	struct dns_source source;
};

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(str_of(text), &name), ST_OK);
	return name;
}

static void set_a(struct fixture *f, const char *owner, struct str rdata)
{
	struct view_rrset set = { DNS_TYPE_A, 300, &rdata, 1 };

	assert_int_equal(
		view_set_name(f->w, str_of(owner), &set, rdata.n > 0, NULL),
		ST_OK);
}

static void create(struct fixture *f)
{
	struct view_writer_options opt = VIEW_WRITER_DEFAULTS;
	unsigned char p[200];
	struct wire_out out = wire_out_of(p, sizeof(p));
	struct dns_soa soa = { .mname = name_of("ns1." ZONE),
		.rname = name_of("hostmaster." ZONE),
		.serial = SERIAL,
		.minimum = 60 };
	struct view_zone zone = { STR(ZONE), SERIAL, 300, {} };

	dns_soa_write(&out, &soa);
	zone.soa = wire_out_str(&out);
	opt.max_bytes = 1u << 24;
	opt.no_sync = true;
	opt.commit_gap_ms = 0;
	assert_int_equal(
		view_writer_create(f->path, &opt, &zone, &f->w, NULL), ST_OK);
	set_a(f, "ns1." ZONE, STR("\300\0\2\1"));
	set_a(f, "_x._y." ZONE, STR("\300\0\2\2"));
	assert_int_equal(view_writer_commit(f->w, NULL), ST_OK);
	assert_int_equal(view_writer_publish(f->w, NULL), ST_OK);
}

static int setup(void **state)
{
	static struct fixture f;
	struct dns_name apex = name_of(ZONE);

	f = (struct fixture){ .dir = "/tmp/dns-view-XXXXXX",
		.arena = arena_must(0) };
	assert_non_null(mkdtemp(f.dir));
	(void)snprintf(f.path, sizeof(f.path), "%s/view.mdb", f.dir);
	assert_int_equal(view_open(f.path, NULL, &f.view, NULL), ST_OK);
	f.source = dns_view_source(f.view, &apex);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	view_close(&f->view);
	view_writer_close(&f->w);
	arena_free(&f->arena);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	return 0;
}

static void reopen(struct fixture *f)
{
	view_close(&f->view);
	assert_int_equal(view_open(f->path, NULL, &f->view, NULL), ST_OK);
	f->source.ctx = f->view;
}

static enum status look_up(
	struct fixture *f, const char *owner, struct dns_node *out)
{
	struct dns_name name = name_of(owner);

	return f->source.lookup(f->source.ctx, f->arena, &name, out);
}

static void without_a_view_all_is_temporary(void **state)
{
	struct fixture *f = *state;
	struct dns_zone zone;
	struct dns_node node;
	struct dns_step step;

	assert_int_equal(look_up(f, "ns1." ZONE, &node), ST_TEMP);
	assert_int_equal(
		f->source.zone(f->source.ctx, f->arena, &zone), ST_TEMP);
	assert_int_equal(
		f->source.step(f->source.ctx, f->arena, 1, &step), ST_TEMP);
}

static void names_are_found_empty_or_missing(void **state)
{
	static const struct {
		const char *owner;
		enum dns_node_kind want;
	} rows[] = {
		{ "ns1." ZONE, DNS_NODE_RECORDS },
		{ "_x._y." ZONE, DNS_NODE_RECORDS },
		{ "_y." ZONE, DNS_NODE_EMPTY },
		{ "y." ZONE, DNS_NODE_MISSING },
		{ "ns1\\.x." ZONE, DNS_NODE_MISSING },
		{ "a.ns1." ZONE, DNS_NODE_MISSING },
	};
	struct fixture *f = *state;
	struct dns_zone zone;
	struct dns_node node;

	create(f);
	reopen(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(look_up(f, rows[i].owner, &node), ST_OK);
		assert_int_equal(node.kind, rows[i].want);
	}
	assert_int_equal(look_up(f, "ns1." ZONE, &node), ST_OK);
	assert_int_equal(node.sets[0].type, DNS_TYPE_A);
	assert_true(str_eq(node.sets[0].rdata[0], STR("\300\0\2\1")));
	assert_int_equal(f->source.zone(f->source.ctx, f->arena, &zone), ST_OK);
	assert_int_equal(zone.serial, view_writer_serial(f->w));
	/* The view of another zone says nothing about ours. */
	assert_int_equal(look_up(f, "www.example.org", &node), ST_TEMP);
}

static void the_zone_is_walked_and_stepped(void **state)
{
	struct fixture *f = *state;
	const struct dns_node *nodes;
	struct dns_zone zone;
	struct dns_step step;
	struct str after = {};
	uint32_t before;
	size_t n, seen = 0;

	create(f);
	reopen(f);
	before = view_writer_serial(f->w);
	do {
		assert_int_equal(f->source.walk(f->source.ctx, f->arena, before,
					 &after, 1, &nodes, &n),
			ST_OK);
		seen += n;
	} while (n > 0);
	assert_true(seen >= 2);
	assert_int_equal(view_writer_begin(f->w, NULL), ST_OK);
	set_a(f, "ns1." ZONE, STR("\300\0\2\3"));
	assert_int_equal(view_writer_commit(f->w, NULL), ST_OK);
	assert_int_equal(f->source.zone(f->source.ctx, f->arena, &zone), ST_OK);
	assert_true(dns_serial_newer(zone.serial, before));
	after = (struct str){};
	assert_int_equal(f->source.walk(f->source.ctx, f->arena, before, &after,
				 1, &nodes, &n),
		ST_AGAIN);
	assert_int_equal(
		f->source.step(f->source.ctx, f->arena, before, &step), ST_OK);
	assert_int_equal(step.to, zone.serial);
	assert_int_equal(step.n_deleted, 2);
	assert_int_equal(step.n_added, 2);
	assert_int_equal(step.added[0].type, DNS_TYPE_SOA);
	assert_str(step.added[1].owner, "ns1." ZONE);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_view_all_is_temporary),
		TEST(names_are_found_empty_or_missing),
		TEST(the_zone_is_walked_and_stepped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
