/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is found, names as DNS wants them, serials and journal. */
#include "fixture.h"

#include "base/poison.h"

static void hosts(void **state)
{
	struct fixture *t = *state;
	struct str chain[] = { { "\0leaf", 5 }, STR("issuer") };
	struct view_http01 http[] = { { STR("tok"), STR("tok.print") } };
	struct view_host h = { .kind = VIEW_HOST_POLICY,
		.tenant = STR("default"),
		.domain = STR("example.com"),
		.policy = STR("version: STSv1\r\n"),
		.cert_id = STR("0123"),
		.chain = chain,
		.n_chain = 2,
		.key_sealed = { "\0k", 2 },
		.http01 = http,
		.n_http01 = 1,
		.alpn_cert = STR("alpn") };
	struct view_host got;

	assert_int_equal(
		view_host_get(t->v, t->a, STR("mta-sts.example.com"), &got),
		ST_NOTFOUND);
	OK(view_writer_begin(t->w, &t->e));
	OK(view_set_host(t->w, STR("mta-sts.example.com"), &h, &t->e));
	OK(view_writer_commit(t->w, &t->e));
	OK(view_host_get(t->v, t->a, STR("MTA-STS.example.COM"), &got));
	assert_str(got.policy, "version: STSv1\r\n");
	assert_int_equal(got.n_chain, 2);
	assert_int_equal(got.chain[0].n, 5);
	assert_str(got.http01[0].key_auth, "tok.print");
	assert_str(got.alpn_cert, "alpn");
	h = (struct view_host){ .kind = VIEW_HOST_CONSOLE };
	OK(view_writer_begin(t->w, &t->e));
	OK(view_set_host(t->w, STR("mta-sts.example.com"), &h, &t->e));
	OK(view_writer_commit(t->w, &t->e));
	OK(view_host_get(t->v, t->a, STR("mta-sts.example.com"), &got));
	assert_int_equal(got.kind, VIEW_HOST_CONSOLE);
	assert_null(got.policy.p);
	assert_null(got.alpn_cert.p);
	OK(view_writer_begin(t->w, &t->e));
	OK(view_set_host(t->w, STR("mta-sts.example.com"), NULL, &t->e));
	OK(view_set_host(t->w, STR("never.was.there"), NULL, &t->e));
	OK(view_writer_commit(t->w, &t->e));
	assert_int_equal(
		view_host_get(t->v, t->a, STR("mta-sts.example.com"), &got),
		ST_NOTFOUND);
	assert_int_equal(view_host_get(t->v, t->a, STR(""), &got), ST_NOTFOUND);
}

static void labels(void **state)
{
	struct view_label l = { STR("default"), STR("example.com") };
	struct fixture *t = *state;

	OK(view_writer_begin(t->w, &t->e));
	OK(view_set_label(t->w, STR("abcd"), &l, &t->e));
	OK(view_writer_commit(t->w, &t->e));
	OK(view_label_get(t->v, t->a, STR("ABCD"), &l));
	assert_str(l.domain, "example.com");
	assert_int_equal(
		view_label_get(t->v, t->a, STR("abc"), &l), ST_NOTFOUND);
}

static enum view_name_kind kind_of(struct fixture *t, const char *owner)
{
	struct view_name n;

	OK(view_name_get(t->v, t->a, str_of(owner), &n));
	return n.kind;
}

/* RFC 8020 and RFC 2308: what exists, what is empty, what is not there. */
static void name_kinds(void **state)
{
	struct fixture *t = *state;
	struct view_name n;

	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "_smtp._tls.id1.sts.example.net", "v");
	set_txt(t, "id10.sts.example.net", "v");
	OK(view_writer_commit(t->w, &t->e));
	assert_int_equal(kind_of(t, "_smtp._tls.ID1.sts.example.net"),
		VIEW_NAME_RECORDS);
	assert_int_equal(
		kind_of(t, "_tls.id1.sts.example.net"), VIEW_NAME_EMPTY);
	assert_int_equal(kind_of(t, "id1.sts.example.net"), VIEW_NAME_EMPTY);
	assert_int_equal(kind_of(t, "id.sts.example.net"), VIEW_NAME_MISSING);
	assert_int_equal(
		kind_of(t, "a.id10.sts.example.net"), VIEW_NAME_MISSING);
	assert_int_equal(kind_of(t, "example.net"), VIEW_NAME_OUTSIDE);
	assert_int_equal(kind_of(t, "xsts.example.net"), VIEW_NAME_OUTSIDE);
	/* The apex has its SOA from the beginning. */
	OK(view_name_get(t->v, t->a, STR("sts.example.net"), &n));
	assert_int_equal(n.kind, VIEW_NAME_RECORDS);
	assert_int_equal(n.n, 1);
	assert_int_equal(n.sets[0].type, DNS_TYPE_SOA);
	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "_smtp._tls.id1.sts.example.net", "");
	OK(view_writer_commit(t->w, &t->e));
	assert_int_equal(kind_of(t, "id1.sts.example.net"), VIEW_NAME_MISSING);
}

static uint32_t soa_serial(struct fixture *t)
{
	struct view_name n;
	struct view_zone z;
	struct dns_soa soa;

	OK(view_name_get(t->v, t->a, STR("sts.example.net"), &n));
	assert_int_equal(dns_soa_read(n.sets[0].rdata[0], &soa), ST_OK);
	OK(view_zone_get(t->v, t->a, &z));
	assert_int_equal(z.serial, soa.serial);
	assert_int_equal(dns_soa_read(z.soa, &soa), ST_OK);
	assert_int_equal(z.serial, soa.serial);
	assert_int_equal(view_writer_serial(t->w), z.serial);
	return z.serial;
}

static void serial_moves_once_per_change(void **state)
{
	struct fixture *t = *state;
	uint32_t first = soa_serial(t), second;

	assert_int_equal(first, 100);
	put_host(t, "mta-sts.example.com", "x");
	assert_int_equal(soa_serial(t), first);
	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "a.sts.example.net", "1");
	set_txt(t, "b.sts.example.net", "1");
	OK(view_writer_commit(t->w, &t->e));
	second = soa_serial(t);
	assert_true(dns_serial_newer(second, first));
	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "b.sts.example.net", "1");
	set_txt(t, "a.sts.example.net", "2");
	set_txt(t, "a.sts.example.net", "1"); /* there and back */
	OK(view_writer_commit(t->w, &t->e));
	assert_int_equal(soa_serial(t), second);
	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "b.sts.example.net", "2");
	OK(view_writer_commit(t->w, &t->e));
	assert_true(dns_serial_newer(soa_serial(t), second));
}

static void apex_keeps_soa(void **state)
{
	struct str ns = STR("\2ns\0");
	struct view_rrset set = { DNS_TYPE_NS, 60, &ns, 1 };
	struct fixture *t = *state;
	struct view_name n;

	OK(view_writer_begin(t->w, &t->e));
	OK(view_set_name(t->w, t->zone.origin, &set, 1, &t->e));
	OK(view_writer_commit(t->w, &t->e));
	OK(view_name_get(t->v, t->a, t->zone.origin, &n));
	assert_int_equal(n.n, 2);
	assert_int_equal(n.sets[0].type, DNS_TYPE_SOA);
	assert_int_equal(n.sets[1].type, DNS_TYPE_NS);
	(void)soa_serial(t);
}

/* RFC 1995: each step leads to the next, SOAs first. */
static void journal(void **state)
{
	struct fixture *t = *state;
	struct view_step s;

	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "a.sts.example.net", "1");
	OK(view_writer_commit(t->w, &t->e));
	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "a.sts.example.net", "2");
	set_txt(t, "b.sts.example.net", "3");
	OK(view_writer_commit(t->w, &t->e));
	OK(view_journal_get(t->v, t->a, 100, &s));
	assert_int_equal(s.n_deleted, 1);
	assert_int_equal(s.deleted[0].type, DNS_TYPE_SOA);
	assert_int_equal(s.n_added, 2);
	assert_str(s.added[1].owner, "a.sts.example.net");
	OK(view_journal_get(t->v, t->a, s.to, &s));
	assert_int_equal(s.to, soa_serial(t));
	assert_int_equal(s.n_deleted, 2);
	assert_str(s.deleted[1].rdata, "1");
	assert_int_equal(s.n_added, 3);
	assert_int_equal(view_journal_get(t->v, t->a, s.to, &s), ST_NOTFOUND);
}

static void journal_is_bounded(void **state)
{
	struct fixture *t = *state;
	uint32_t serials[10];
	struct view_step s;

	view_writer_close(&t->w);
	t->opt.journal_steps = 3;
	OK(view_writer_open(t->path, &t->opt, &t->w, &t->e));
	for (int i = 0; i < 10; i++) {
		char text[8];

		serials[i] = view_writer_serial(t->w);
		if (i == 6) { /* a new process counts what is there */
			view_writer_close(&t->w);
			OK(view_writer_open(t->path, &t->opt, &t->w, &t->e));
		}
		(void)snprintf(text, sizeof(text), "%d", i);
		OK(view_writer_begin(t->w, &t->e));
		set_txt(t, "a.sts.example.net", text);
		OK(view_writer_commit(t->w, &t->e));
	}
	assert_int_equal(
		view_journal_get(t->v, t->a, serials[6], &s), ST_NOTFOUND);
	for (int i = 7; i < 10; i++)
		OK(view_journal_get(t->v, t->a, serials[i], &s));
}

/* A step too long to keep makes IXFR impossible, not wrong. */
static void journal_overflow(void **state)
{
	char *big = calloc(1, 60001);
	struct fixture *t = *state;
	struct view_step s;
	uint32_t serial;

	memset(big, 'x', 60000);
	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "a.sts.example.net", "1");
	OK(view_writer_commit(t->w, &t->e));
	serial = soa_serial(t);
	OK(view_writer_begin(t->w, &t->e));
	for (int i = 0; i < 30; i++) {
		char owner[64];

		(void)snprintf(owner, sizeof(owner), "n%d.sts.example.net", i);
		set_txt(t, owner, big);
	}
	OK(view_writer_commit(t->w, &t->e));
	assert_true(dns_serial_newer(soa_serial(t), serial));
	assert_int_equal(view_journal_get(t->v, t->a, 100, &s), ST_NOTFOUND);
	assert_int_equal(view_journal_get(t->v, t->a, serial, &s), ST_NOTFOUND);
	free(big);
}

/* RFC 4034 section 6.1 order, in pieces, and begun anew after a change. */
static void walk(void **state)
{
	static const char *const order[] = { "sts.example.net",
		"a.sts.example.net", "x.a.sts.example.net",
		"a-b.sts.example.net", "b.sts.example.net" };
	struct fixture *t = *state;
	struct view_name *names;
	struct str after = {};
	size_t n, at = 0;
	uint32_t serial;

	OK(view_writer_begin(t->w, &t->e));
	for (int i = 4; i >= 1; i--)
		set_txt(t, order[i], "1");
	OK(view_writer_commit(t->w, &t->e));
	serial = soa_serial(t);
	do {
		OK(view_zone_walk(t->v, t->a, serial, &after, 2, &names, &n));
		for (size_t i = 0; i < n; i++, at++)
			assert_str(names[i].owner, order[at]);
	} while (n > 0);
	assert_int_equal(at, 5);
	OK(view_writer_begin(t->w, &t->e));
	set_txt(t, "c.sts.example.net", "1");
	OK(view_writer_commit(t->w, &t->e));
	assert_int_equal(
		view_zone_walk(t->v, t->a, serial, &after, 2, &names, &n),
		ST_AGAIN);
}

static void state_is_kept(void **state)
{
	struct fixture *t = *state;
	struct view_info info;

	OK(view_writer_begin(t->w, &t->e));
	view_set_applied(t->w, 42);
	view_set_settings(t->w, STR("print"));
	OK(view_writer_commit(t->w, &t->e));
	view_writer_close(&t->w);
	OK(view_writer_open(t->path, &t->opt, &t->w, &t->e));
	assert_int_equal(view_writer_applied(t->w), 42);
	assert_str(view_writer_settings(t->w), "print");
	OK(view_info_get(t->v, &info));
	assert_int_equal(info.applied_seq, 42);
	assert_int_equal(info.max_bytes, 64 << 20);
	assert_true(info.used_bytes > 0);
}

static void abort_leaves_nothing(void **state)
{
	struct fixture *t = *state;
	uint32_t serial = soa_serial(t);
	struct view_host h = {};

	OK(view_writer_begin(t->w, &t->e));
	OK(view_set_host(t->w, STR("h"), &h, &t->e));
	set_txt(t, "a.sts.example.net", "1");
	view_writer_abort(t->w);
	assert_int_equal(view_host_get(t->v, t->a, STR("h"), &h), ST_NOTFOUND);
	assert_int_equal(soa_serial(t), serial);
	assert_int_equal(kind_of(t, "a.sts.example.net"), VIEW_NAME_MISSING);
}

static void one_writer(void **state)
{
	struct fixture *t = *state;
	int fd = -1, other = -1;

	OK(view_lock(t->path, &fd, &t->e));
	assert_int_equal(view_lock(t->path, &other, &t->e), ST_AGAIN);
	view_unlock(&fd);
	OK(view_lock(t->path, &fd, &t->e));
	view_unlock(&fd);
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(hosts),
		T(labels),
		T(name_kinds),
		T(serial_moves_once_per_change),
		T(apex_keeps_soa),
		T(journal),
		T(journal_is_bounded),
		T(journal_overflow),
		T(walk),
		T(state_is_kept),
		T(abort_leaves_nothing),
		T(one_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
