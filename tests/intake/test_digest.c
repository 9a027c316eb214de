/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/intake/signer.h"
#include "tests/testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "intake/digest.h"
#include "intake/raw_keep.h"
#include "io/gzip.h"

#include "base/poison.h"

#define LABEL "abcdefghijklmnop"
#define REPORT(id, failed)                                                     \
	"{\"organization-name\":\"X\",\"date-range\":{\"start-datetime\":"     \
	"\"2026-11-20T00:00:00Z\",\"end-datetime\":\"2026-11-20T23:59:59Z\"}"  \
	",\"contact-info\":\"tls@x.example\",\"report-id\":\"" id "\","        \
	"\"policies\":[{\"policy\":{\"policy-type\":\"sts\","                  \
	"\"policy-domain\":\"y.example\",\"mx-host\":\"mx.y.example\"},"       \
	"\"summary\":{\"total-successful-session-count\":7,"                   \
	"\"total-failure-session-count\":" failed "},\"failure-details\":[{"   \
	"\"result-type\":\"certificate-expired\",\"failed-session-count\":1,"  \
	"\"sending-mta-ip\":\"2001:DB8::1\"}]}]}"

#define MAIL                                                                   \
	"From: =?iso-8859-1?q?J=F6rg?= <tls@x.example>\n"                      \
	"Subject: =?windows-1252?b?5Q==?=\n"                                   \
	"Content-Type: multipart/report; report-type=tlsrpt; boundary=b\n\n"   \
	"--b\nContent-Type: text/plain; charset=koi8-r\n\n\xc1\n--b\n"         \
	"Content-Type: application/tlsrpt+json; name*=utf-8''a%20b.json\n"     \
	"Content-Transfer-Encoding: quoted-printable\n\n"                      \
	"{\"policies\"=3A[{\"policy\":{\"policy-domain\":\"y.example\"}}]}\n"  \
	"--b--\n"

struct place {
	char dir[64];
	struct arena *a;
	struct digest d;
	struct err e;
	int64_t now;
	struct clock clock;
	unsigned put_off; /* events of that name */
	struct signer signer;
	enum status key_st; /* how looking up its key goes */
};

static struct mono place_mono(void *ctx)
{
	return (struct mono){ ((struct place *)ctx)->now * 1000 };
}

static struct unix_time place_now(void *ctx)
{
	return (struct unix_time){ ((struct place *)ctx)->now };
}

static void ok_at(struct place *p, enum status st, int line)
{
	if (st != ST_OK)
		fail_msg("line %d: %s", line, p->e.text);
}
#define OK(st) ok_at(p, (st), __LINE__)

static const char *path_in(struct place *p, const char *name)
{
	return arena_fmt(p->a, "%s/%s", p->dir, name).p;
}

static void count(void *ctx, struct str line)
{
	struct place *p = ctx;

	p->put_off += memmem(line.p, line.n, "report.put_off", 14) != NULL;
}

/* All domains have the same key. */
static enum status find_key(
	void *ctx, struct arena *a, struct str name, struct str *text)
{
	struct place *p = ctx;

	assert_true(str_starts(name, STR("sel._domainkey.")));
	*text = arena_str(a, str_of(p->signer.key));
	return p->key_st;
}

static int setup(void **state)
{
	struct digest_reader_options options = {
		.max_reads = 3, .time_ms = 20000, .key = find_key
	};
	struct spool_limits limits = SPOOL_LIMITS_DEFAULT;
	struct place *p = calloc(1, sizeof(*p));
	struct store_domain domain = { .tenant = STORE_TENANT_DEFAULT,
		.name = STR("y.example"),
		.label = STR(LABEL),
		.token = STR("t"),
		.created = 1 };

	log_set_sink(count, p);
	p->now = 2000;
	p->clock = (struct clock){ place_mono, place_now, p };
	p->d.clock = &p->clock;
	p->d.later = digest_later_new();
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/moat-digest-XXXXXX");
	BUG(mkdtemp(p->dir) == NULL);
	p->a = arena_must(0);
	OK(store_open(path_in(p, "moat.db"), &p->d.store, &p->e));
	OK(spool_open(path_in(p, "spool"), &limits, &p->d.spool, &p->e));
	OK(store_domain_add(p->d.store, &domain, &p->e));
	options.key_ctx = p;
	p->d.reader = digest_reader_new(&options);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	const char *command = arena_fmt(p->a, "rm -r %s", p->dir).p;

	digest_later_free(&p->d.later);
	digest_reader_free(&p->d.reader);
	spool_close(&p->d.spool);
	store_close(&p->d.store);
	BUG(system(command) != 0);
	arena_free(&p->a);
	free(p);
	log_set_sink(NULL, NULL);
	return 0;
}

static void put(struct place *p, enum spool_source source, const char *id,
	struct str body)
{
	struct spool_meta meta = { .source = source,
		.id = str_of(id),
		.received = { 1000 },
		.remote = STR("192.0.2.1") };

	OK(spool_put(p->d.spool, &meta, body, NULL, NULL, &p->e));
}

static size_t run(struct place *p)
{
	size_t done = 0;

	OK(digest_run(&p->d, 100, &done, &p->e));
	return done;
}

static size_t files(struct place *p, enum spool_folder folder)
{
	struct spool_names names = {};

	OK(spool_list(p->d.spool, folder, 100, p->a, &names, &p->e));
	return names.n;
}

static struct store_report *reports_in(
	struct place *p, enum store_report_state state, size_t want)
{
	struct store_report_filter all = {
		.tenant = STORE_TENANT_DEFAULT, .limit = 100, .state = state
	};
	struct store_report *rows;
	size_t n;

	OK(store_report_list(p->d.store, p->a, &all, true, &rows, &n, &p->e));
	assert_int_equal(n, want);
	return rows;
}

static struct store_report *reports(struct place *p, size_t want)
{
	return reports_in(p, STORE_REPORT_ACCEPTED, want);
}

static void a_post_becomes_rows(void **state)
{
	struct place *p = *state;
	struct store_report *r;
	struct str packed;

	assert_int_equal(
		gzip_pack(p->a, STR(REPORT("1", "1")), &packed), ST_OK);
	put(p, SPOOL_POST, LABEL, packed);
	assert_int_equal(run(p), 1);
	r = reports(p, 1);
	assert_str(r->domain, "y.example");
	assert_str(r->org, "X");
	assert_str(r->report_id, "1");
	assert_str(r->via, "post");
	assert_str(r->proof, "");
	assert_str(r->quirks, "mx-host-string");
	assert_int_equal(r->raw_sha256.n, 64);
	assert_int_equal(r->received, 1000);
	assert_int_equal(r->end - r->begin, 86399);
	assert_int_equal(r->n_policies, 1);
	assert_str(r->policies[0].mx.items[0], "mx.y.example");
	assert_int_equal(r->policies[0].ok, 7);
	assert_int_equal(r->policies[0].failed, 1);
	assert_str(r->policies[0].failures[0].sending_ip, "2001:db8::1");
	assert_int_equal(files(p, SPOOL_NEW), 0);
	assert_int_equal(files(p, SPOOL_DONE), 1);
}

static void what_cannot_be_read_is_kept_and_listed(void **state)
{
	struct place *p = *state;
	struct store_bad_report *bad;
	size_t n;

	put(p, SPOOL_POST, LABEL, STR("{\"policies\":[}"));
	put(p, SPOOL_POST, "nobody", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 2);
	(void)reports(p, 0);
	assert_int_equal(files(p, SPOOL_NEW), 0);
	assert_int_equal(files(p, SPOOL_BAD), 2);
	OK(store_bad_report_list(
		p->d.store, p->a, STR(""), 10, &bad, &n, &p->e));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_str(bad[i].remote, "192.0.2.1");
		assert_str(bad[i].reason,
			str_eq(bad[i].label, STR("nobody"))
				? "no domain has this ID"
				: "line 1, column 14: expected a JSON value");
	}
}

/* Promise 9, and kill -9 between the commit and the move. */
static void nothing_is_counted_twice(void **state)
{
	struct spool_names names = {};
	struct place *p = *state;

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	assert_int_equal(run(p), 2);
	(void)reports(p, 1);
	OK(spool_list(p->d.spool, SPOOL_DONE, 1, p->a, &names, &p->e));
	OK(spool_move(
		p->d.spool, SPOOL_DONE, SPOOL_NEW, names.items[0], &p->e));
	assert_int_equal(run(p), 1);
	(void)reports(p, 1);
	/* A stranger's report with the same id hides nothing. */
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "9")));
	assert_int_equal(run(p), 1);
	(void)reports(p, 2);
	/* The operator's word is worth more: it stands for both. */
	put(p, SPOOL_IMPORT, "", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->proof, "import");
	put(p, SPOOL_IMPORT, "", STR(REPORT("1", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "8")));
	assert_int_equal(run(p), 2);
	(void)reports(p, 1);
}

static struct str only_file(struct place *p, enum spool_folder folder)
{
	struct spool_names names = {};

	OK(spool_list(p->d.spool, folder, 100, p->a, &names, &p->e));
	assert_int_equal(names.n, 1);
	return names.items[0];
}

static void a_domain(struct place *p, const char *name, const char *label)
{
	struct store_domain domain = { .tenant = STORE_TENANT_DEFAULT,
		.name = str_of(name),
		.label = str_of(label),
		.token = STR("t"),
		.created = 1 };

	OK(store_domain_add(p->d.store, &domain, &p->e));
}

/* What was not understood comes back once it is. */
static void an_unreadable_one_is_read_again(void **state)
{
	struct store_bad_report *bad;
	struct place *p = *state;
	struct str name;
	size_t n;

	put(p, SPOOL_POST, "ponmlkjihgfedcba", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	name = only_file(p, SPOOL_BAD);
	a_domain(p, "z.example", "ponmlkjihgfedcba");
	OK(spool_move(p->d.spool, SPOOL_BAD, SPOOL_NEW, name, &p->e));
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->raw_name, arena_str(p->a, name).p);
	OK(store_bad_report_list(
		p->d.store, p->a, STR(""), 10, &bad, &n, &p->e));
	assert_int_equal(n, 0);
}

/* A report that was read makes its rows anew, as often as one likes. */
static void a_kept_one_is_read_again(void **state)
{
	struct store_report *before, *after;
	struct place *p = *state;

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	before = reports(p, 1);
	for (int i = 0; i < 2; i++) {
		OK(spool_move(p->d.spool, SPOOL_DONE, SPOOL_NEW,
			only_file(p, SPOOL_DONE), &p->e));
		assert_int_equal(run(p), 1);
		after = reports(p, 1);
		assert_false(str_eq(before->id, after->id));
		assert_true(str_eq(before->raw_sha256, after->raw_sha256));
		assert_int_equal(before->received, after->received);
	}
}

/* A folder where the file is to go: no move will do. */
static void block(struct place *p, const char *folder, struct str name, bool on)
{
	const char *path = arena_fmt(
		p->a, "%s/spool/%s/%.*s", p->dir, folder, STR_ARG(name))
				   .p;

	BUG((on ? mkdir(path, 0700) : rmdir(path)) != 0);
}

static void a_file_that_does_not_move_holds_up_none(void **state)
{
	struct place *p = *state;
	struct str good, bad;
	struct spool_names names;
	size_t done;

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	good = only_file(p, SPOOL_NEW);
	block(p, "done", good, true);
	put(p, SPOOL_IMPORT, LABEL, STR("no report"));
	OK(spool_list(p->d.spool, SPOOL_NEW, 2, p->a, &names, &p->e));
	bad = names.items[str_eq(names.items[0], good)];
	block(p, "bad", bad, true);
	OK(digest_run(&p->d, 1, &done, &p->e));
	OK(digest_run(&p->d, 1, &done, &p->e));
	assert_int_equal(files(p, SPOOL_NEW), 2);
	/* One at a time: the others are reached all the same. */
	put(p, SPOOL_POST, LABEL, STR(REPORT("2", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("3", "1")));
	for (int i = 0; i < 3; i++)
		OK(digest_run(&p->d, 1, &done, &p->e));
	assert_int_equal(files(p, SPOOL_NEW), 2);
	assert_int_equal(files(p, SPOOL_DONE), 2);
	(void)reports(p, 3);
	p->now += DIGEST_LATER_MIN_S;
	(void)run(p);
	assert_int_equal(files(p, SPOOL_NEW), 2);
	assert_int_equal(p->put_off, 2);
	/* The second wait is longer. */
	block(p, "done", good, false);
	block(p, "bad", bad, false);
	p->now += DIGEST_LATER_MIN_S;
	assert_int_equal(run(p), 0);
	p->now += DIGEST_LATER_MIN_S;
	assert_int_equal(run(p), 2);
	assert_int_equal(files(p, SPOOL_NEW), 0);
	assert_int_equal(digest_later_count(p->d.later), 0);
	(void)reports(p, 3);
}

static void walk(struct raw_keep *k, struct place *p, size_t steps)
{
	bool more = true;

	for (size_t i = 0; i < steps; i++) {
		assert_true(more);
		OK(raw_keep_step(k, &more, &p->e));
	}
	assert_false(more);
}

static void raw_reports_end(void **state)
{
	struct place *p = *state;
	struct raw_keep_options options = { p->d.store, p->d.spool,
		100 * UTC_DAY_S, &p->clock };
	struct raw_keep *k = raw_keep_new(&options);

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	put(p, SPOOL_POST, LABEL, STR("no report"));
	assert_int_equal(run(p), 3);
	p->now = 1000 + RAW_KEEP_ORPHAN_S;
	walk(k, p, 2);
	assert_int_equal(files(p, SPOOL_DONE), 2);
	/* Not before tomorrow. */
	p->now += 1;
	walk(k, p, 1);
	assert_int_equal(files(p, SPOOL_DONE), 2);
	/* One of the two made no rows. */
	p->now += UTC_DAY_S;
	walk(k, p, 2);
	assert_str(reports(p, 1)->raw_name,
		arena_str(p->a, only_file(p, SPOOL_DONE)).p);
	assert_int_equal(files(p, SPOOL_BAD), 1);
	p->now = 1001 + options.keep_s;
	walk(k, p, 2);
	assert_int_equal(files(p, SPOOL_DONE), 0);
	assert_int_equal(files(p, SPOOL_BAD), 0);
	raw_keep_free(&k);
}

static void many_raw_reports_end_in_several_steps(void **state)
{
	struct place *p = *state;
	struct raw_keep_options options = { p->d.store, p->d.spool, 1,
		&p->clock };
	struct raw_keep *k = raw_keep_new(&options);

	for (unsigned i = 0; i < RAW_KEEP_FILES + 50; i++)
		BUG(close(open(arena_fmt(p->a,
				       "%s/spool/done/000000000001-%u.post",
				       p->dir, i)
				       .p,
			    O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) != 0);
	walk(k, p, 3);
	assert_int_equal(files(p, SPOOL_DONE), 0);
	raw_keep_free(&k);
}

static void an_import_finds_its_domain(void **state)
{
	struct place *p = *state;
	struct store_report *r;

	put(p, SPOOL_IMPORT, "", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	r = reports(p, 1);
	assert_str(r->domain, "y.example");
	assert_str(r->proof, "import");
}

/* A claim alone gives nobody the reports of another. */
static void an_import_goes_to_whose_the_domain_is(void **state)
{
	struct place *p = *state;
	struct store_domain domain = { .tenant = STR("a-first"),
		.name = STR("y.example"),
		.label = STR("bbcdefghijklmnop") };
	struct store_tenant tenant = { .id = STR("a-first"), .created = 1 };
	struct store_report_filter theirs = { .tenant = STR("a-first"),
		.limit = 9 };
	struct store_report *rows;
	size_t n;

	OK(store_tenant_add(p->d.store, &tenant, &p->e));
	OK(store_domain_add(p->d.store, &domain, &p->e));
	put(p, SPOOL_IMPORT, "", STR(REPORT("1", "1")));
	assert_int_equal(run(p), 1);
	(void)reports(p, 1);
	domain.proof = STORE_PROOF_CNAME;
	OK(store_domain_put(p->d.store, &domain, &p->e));
	put(p, SPOOL_IMPORT, "", STR(REPORT("2", "1")));
	assert_int_equal(run(p), 1);
	(void)reports(p, 1);
	OK(store_report_list(
		p->d.store, p->a, &theirs, false, &rows, &n, &p->e));
	assert_int_equal(n, 1);
	assert_str(rows[0].report_id, "2");
}

static void a_child_serves_some_and_is_replaced(void **state)
{
	struct place *p = *state;
	struct digest_reports got;

	for (unsigned i = 0; i < 7; i++) {
		OK(digest_reader_read(p->d.reader, p->a, STR(REPORT("1", "1")),
			(struct unix_time){ 1000 }, &got, &p->e));
		assert_int_equal(got.n, 1);
		assert_int_equal(digest_reader_started(p->d.reader), i / 3 + 1);
	}
	/* A mail: the parser for it is at home in the sandbox. */
	OK(digest_reader_read(p->d.reader, p->a, STR(MAIL),
		(struct unix_time){ 1000 }, &got, &p->e));
	assert_str(got.items[0]->policies.items[0].domain, "y.example");
	/* One that cannot be read is no reason to replace it. */
	assert_int_equal(digest_reader_read(p->d.reader, p->a, STR("<xml/>"),
				 (struct unix_time){ 1000 }, &got, &p->e),
		ST_INVALID);
	assert_int_equal(digest_reader_started(p->d.reader), 3);
	/* After a rest, and only then, the next report gets a new one. */
	digest_reader_rest(p->d.reader);
	digest_reader_rest(p->d.reader);
	for (int i = 0; i < 2; i++)
		OK(digest_reader_read(p->d.reader, p->a, STR(REPORT("1", "1")),
			(struct unix_time){ 1000 }, &got, &p->e));
	assert_int_equal(digest_reader_started(p->d.reader), 4);
}

static void write_program(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	BUG(fd < 0);
	BUG(write(fd, text, strlen(text)) != (ssize_t)strlen(text));
	(void)close(fd);
}

#define READY "#!/bin/sh\nprintf '5:ready,' >&0\n"

/* A good head, and then no report. */
#define SHORT_REPORT                                                           \
	READY "printf '41:{\"status\":\"ok\",\"reports\":1,"                   \
	      "\"quirks\":[\"\"]},5:hello,' >&0\nexec sleep 100\n"

/* A child that dies, stalls or babbles takes only its report with it. */
static void a_bad_child_costs_one_report(void **state)
{
	static const char *const programs[] = {
		READY "exit 1\n",
		READY "kill -SEGV $$\n",
		READY "exec sleep 100\n",
		READY "printf '5:hello,' >&0\nexec sleep 100\n",
		READY "printf '2:{},' >&0\nexec sleep 100\n",
		READY "printf '99999999999:' >&0\nexec sleep 100\n",
		SHORT_REPORT,
	};
	struct place *p = *state;
	struct digest_reports got;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *path = arena_fmt(p->a, "%s/child%zu", p->dir, i).p;
		struct digest_reader_options options = {
			.program = path, .max_reads = 10, .time_ms = 1000
		};
		struct digest_reader *r = digest_reader_new(&options);

		write_program(path, programs[i]);
		assert_int_equal(
			digest_reader_read(r, p->a, STR(REPORT("1", "1")),
				(struct unix_time){ 1000 }, &got, &p->e),
			ST_INVALID);
		assert_true(str_starts(str_of(p->e.text),
			STR("it took the reader down 2 times: ")));
		assert_int_equal(digest_reader_started(r), 2);
		digest_reader_free(&r);
	}
}

/* What is not the report's fault does not cost it anything. */
static void no_child_costs_no_report(void **state)
{
	static const char *const programs[] = {
		"#!/bin/sh\nexit 1\n",
		"#!/bin/sh\nprintf '5:hello,' >&0\nexec sleep 100\n",
		"#!/nonexistent\n",
	};
	struct digest_reader_options good = { .max_reads = 3,
		.time_ms = 20000 };
	struct place *p = *state;
	size_t done;

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *path = arena_fmt(p->a, "%s/none%zu", p->dir, i).p;
		struct digest_reader_options options = {
			.program = path, .max_reads = 10, .time_ms = 1000
		};

		write_program(path, programs[i]);
		digest_reader_free(&p->d.reader);
		p->d.reader = digest_reader_new(&options);
		assert_int_equal(digest_run(&p->d, 100, &done, &p->e), ST_TEMP);
		assert_int_equal(files(p, SPOOL_NEW), 1);
	}
	digest_reader_free(&p->d.reader);
	p->d.reader = digest_reader_new(&good);
	assert_int_equal(run(p), 1);
	(void)reports(p, 1);
}

/* ---- mail, signed or not (promise 9) */

#define HEADER                                                                 \
	"From: tls@x.example\r\n"                                              \
	"Content-Type: application/tlsrpt+json\r\n"

static struct str mail_of(struct place *p, const char *signer, const char *body)
{
	struct str sign = STR("");

	if (signer != NULL && p->signer.a == NULL)
		signer_init(&p->signer, p->a, 1000);
	if (signer != NULL)
		sign = signer_sign(&p->signer, signer, HEADER, body, false);
	return arena_fmt(p->a, "%.*s" HEADER "\r\n%s", STR_ARG(sign), body);
}

static void put_mail(
	struct place *p, const char *signer, const char *id, const char *body)
{
	put(p, SPOOL_MAIL, id, mail_of(p, signer, body));
	assert_int_equal(run(p), 1);
}

/* Some 200 KB of gzip would make 100 MB of rows. */
static void reports_have_so_much_room_in_an_hour(void **state)
{
	struct place *p = *state;
	struct sbuf b = sbuf_arena(p->a, 16u << 20);
	struct str bomb, text = STR(REPORT("9", "1"));
	char *pad = arena_alloc(p->a, 600);
	ptrdiff_t end = str_index(text, '[');
	size_t done;

	memset(pad, 'x', 599);
	/* The same policy many times, with a long reason in each. */
	sbuf_add(&b, str_upto(text, (size_t)end + 1));
	for (int i = 0; i < 900; i++)
		sbuf_fmt(&b,
			"%s{\"policy\":{\"policy-type\":\"sts\","
			"\"policy-string\":[\"%s\",\"%s\",\"%s\",\"%s\"],"
			"\"policy-domain\":\"y.example\"},"
			"\"summary\":{\"total-successful-session-count\":1,"
			"\"total-failure-session-count\":0}}",
			i > 0 ? "," : "", pad, pad, pad, pad);
	sbuf_addz(&b, "]}");
	bomb = sbuf_str(&b);
	p->d.budget = digest_budget_new();
	for (uint64_t n = 0; n < DIGEST_BUDGET_BYTES + bomb.n; n += bomb.n)
		put(p, SPOOL_POST, LABEL,
			arena_fmt(p->a, "%.*s%*s", STR_ARG(bomb),
				(int)(1 + n / bomb.n), ""));
	OK(digest_run(&p->d, 100, &done, &p->e));
	assert_true(files(p, SPOOL_BAD) > 0);
	assert_true(files(p, SPOOL_DONE) > 5);
	/* Those of others have their own. */
	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "x.example", REPORT("8", "1") "\r\n"));
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_ACCEPTED, files(p, SPOOL_DONE))[0]
			   .proof,
		"dkim:x.example");
	digest_budget_free(&p->d.budget);
}

static void a_signed_mail_is_proven(void **state)
{
	struct place *p = *state;
	struct store_report *r;

	put_mail(p, "x.example", LABEL, REPORT("1", "1") "\r\n");
	r = reports(p, 1);
	assert_str(r->via, "mail");
	assert_str(r->proof, "dkim:x.example");
	assert_str(r->dkim, "pass");
	assert_str(r->dkim_domain, "x.example");
	assert_true(r->dkim_aligned);
	/* It comes again: the same and packed anew. */
	put_mail(p, "x.example", LABEL, REPORT("1", "1") "\r\n");
	put_mail(p, "x.example", LABEL, REPORT("1", "1") "\r\n\r\n \r\n");
	(void)reports(p, 1);
	(void)reports_in(p, STORE_REPORT_QUARANTINED, 0);
}

static void what_nothing_proves_is_in_quarantine(void **state)
{
	static const struct {
		const char *what, *signer, *dkim, *why;
		bool break_it;
	} rows[] = {
		{ "unsigned", NULL, "none", "not signed (RFC 8460 section 3)",
			false },
		{ "signed by another", "evil.example", "pass",
			"signed by another than who reports", false },
		{ "signed below", "a.x.example", "pass",
			"signed by another than who reports", false },
		{ "changed", "x.example", "fail", "the text was changed",
			true },
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str mail = mail_of(
			p, rows[i].signer, REPORT("1", "1") "\r\n");
		struct store_report *r;

		if (rows[i].break_it) /* the 7 successes become 5 */
			((char *)memmem(mail.p, mail.n, ":7", 2))[1] = '5';
		put(p, SPOOL_MAIL, LABEL, mail);
		assert_int_equal(run(p), 1);
		r = reports_in(p, STORE_REPORT_QUARANTINED, i + 1);
		assert_str(r->proof, "");
		assert_str(r->dkim, rows[i].dkim);
		assert_str(r->why, rows[i].why);
		(void)reports(p, 0);
	}
	assert_int_equal(files(p, SPOOL_DONE), 4);
}

/*
 * Servers sign much that strangers wrote: a bounce quotes it, a note begins
 * with it. What was signed then must not be read as a report of the server.
 */
static void a_signature_over_a_quote_proves_nothing(void **state)
{
#define FROM "From: tls@x.example\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"
#define PART                                                                   \
	"--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n" REPORT(         \
		"1", "1") "\r\n--b--\r\n"
#define BOUNCE                                                                 \
	"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: z@evil.example\r\n"  \
	"Content-Type: application/tlsrpt+json\r\n\r\n" REPORT(                \
		"1", "1") "\r\n--b--\r\n"
#define BOUNCE_AND_MORE                                                        \
	"--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n{}\r\n" BOUNCE
	static const struct {
		const char *header, *unsigned_header, *body, *why;
	} rows[] = {
		{ FROM, MIXED, "Somebody wrote:\r\n" PART,
			"Content-Type says where the report is, and is not "
			"signed" },
		{ FROM MIXED, "", BOUNCE, "not signed (RFC 8460 section 3)" },
		{ FROM MIXED, "", BOUNCE_AND_MORE,
			"the report is in a mail that the signed one quotes" },
		{ FROM MIXED, "", PART, NULL },
		{ FROM, MIXED, PART, NULL },
		{ FROM MIXED, "", "A text, and then:\r\n" PART, NULL },
	};
	struct place *p = *state;
	size_t bad = 0;

	signer_init(&p->signer, p->a, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str sign = signer_sign(&p->signer, "x.example",
			rows[i].header, rows[i].body, false);

		put(p, SPOOL_MAIL, LABEL,
			arena_fmt(p->a, "%.*s%s%s\r\n%s", STR_ARG(sign),
				rows[i].header, rows[i].unsigned_header,
				rows[i].body));
		assert_int_equal(run(p), 1);
		if (rows[i].why == NULL)
			continue;
		assert_str(reports_in(p, STORE_REPORT_QUARANTINED, ++bad)->why,
			rows[i].why);
	}
	assert_str(reports(p, 1)->proof, "dkim:x.example");
}

/* The mail as a whole, sent on by somebody in a mail of his own. */
static struct str sent_on(struct place *p, struct str mail)
{
	return arena_fmt(p->a,
		"From: me@y.example\r\n"
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n"
		"--o\r\nContent-Type: text/plain\r\n\r\nLook:\r\n"
		"--o\r\nContent-Type: message/rfc822\r\n"
		"Content-Disposition: inline\r\n\r\n%.*s\r\n--o--\r\n",
		STR_ARG(mail));
}

#define TWO_PARTS                                                              \
	"This is MIME.\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report. "   \
	"\r\n"                                                                 \
	"--b\r\ncontent-type:application/tlsrpt+json\r\n"                      \
	"Content-Transfer-Encoding: 7bit\r\n\r\n" REPORT(                      \
		"1", "1") "\r\n--b--\r\nlast words\r\n"

static void a_mail_sent_on_is_proven_by_its_own_signature(void **state)
{
	struct place *p = *state;
	struct str mail, changed, sign;

	signer_init(&p->signer, p->a, 1000);
	sign = signer_sign(
		&p->signer, "x.example", FROM MIXED, TWO_PARTS, false);
	mail = arena_fmt(
		p->a, "%.*s" FROM MIXED "\r\n" TWO_PARTS, STR_ARG(sign));
	changed = arena_str(p->a, mail);
	((char *)memmem(changed.p, changed.n, "A report", 8))[0] = 'a';
	put(p, SPOOL_MAIL, LABEL, sent_on(p, changed));
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"the text was changed");
	/* Once, and by somebody who was sent it so. */
	put(p, SPOOL_MAIL, LABEL, sent_on(p, mail));
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->proof, "dkim:x.example");
	put(p, SPOOL_MAIL, LABEL, sent_on(p, sent_on(p, mail)));
	assert_int_equal(run(p), 1);
	(void)reports(p, 1); /* the same report */
	(void)reports_in(p, STORE_REPORT_QUARANTINED, 1);
}

/* A header that ends earlier for who reads than for who checks. */
static void line_ends_of_two_kinds_prove_nothing(void **state)
{
	struct place *p = *state;
	struct str note = mail_of(p, "x.example", "Hello\r\n");
	struct sbuf b = sbuf_arena(p->a, 65536);

	sbuf_addz(&b, "Content-Type: multipart/mixed; boundary=b\n\r\n"
		      "--b\nContent-Type: application/tlsrpt+json\n\r\n");
	sbuf_addz(&b, REPORT("1", "9") "\n--b--\n");
	for (size_t i = 0; i < note.n; i++)
		if (note.p[i] != '\r')
			sbuf_addc(&b, note.p[i]);
	put(p, SPOOL_MAIL, LABEL, sbuf_str(&b));
	assert_int_equal(run(p), 1);
	(void)reports_in(p, STORE_REPORT_QUARANTINED, 1);
	note = mail_of(p, "x.example", REPORT("1", "9") "\r\n");
	put(p, SPOOL_MAIL, LABEL, arena_fmt(p->a, "X: y\n%s", note.p));
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 2)->why,
		"some lines end in CR LF, others in LF");
	(void)reports(p, 0);
}

/* Whatever comes before or after it, the real report is there, as it was. */
static void a_forged_report_hides_and_replaces_none(void **state)
{
	struct place *p = *state;
	struct store_report *r;

	put_mail(p, NULL, LABEL, REPORT("1", "9") "\r\n");
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "9")));
	assert_int_equal(run(p), 1);
	put_mail(p, "evil.example", LABEL, REPORT("1", "9") "\r\n");
	put_mail(p, "x.example", LABEL, REPORT("1", "1") "\r\n");
	put_mail(p, NULL, LABEL, REPORT("1", "8") "\r\n");
	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "8")));
	(void)run(p);
	put_mail(p, "evil.example", LABEL, REPORT("1", "8") "\r\n");
	/* The real one took the place of the POST that came first. */
	r = reports(p, 1);
	assert_str(r->proof, "dkim:x.example");
	assert_int_equal(r->policies[0].failed, 1);
	(void)reports_in(p, STORE_REPORT_QUARANTINED, 2);
}

static void the_tenants_rule_decides(void **state)
{
	struct store_report_rule rule = { STORE_REPORT_ACCEPTED,
		STORE_REPORT_IGNORED };
	struct place *p = *state;

	OK(store_report_rule_put(
		p->d.store, STORE_TENANT_DEFAULT, &rule, &p->e));
	put_mail(p, NULL, LABEL, REPORT("1", "1") "\r\n");
	put(p, SPOOL_POST, LABEL, STR(REPORT("2", "1")));
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->report_id, "1");
	assert_str(reports_in(p, STORE_REPORT_IGNORED, 1)->report_id, "2");
}

/* A name server that is down must cost no proof. */
static void a_mail_waits_for_its_key(void **state)
{
	struct place *p = *state;
	struct str mail = mail_of(p, "x.example", REPORT("1", "1") "\r\n");
	size_t done;

	p->key_st = ST_TEMP;
	put(p, SPOOL_MAIL, LABEL, mail);
	OK(digest_run(&p->d, 9, &done, &p->e));
	assert_int_equal(files(p, SPOOL_NEW), 1);
	p->key_st = ST_OK;
	p->now += DIGEST_LATER_MAX_S;
	assert_int_equal(run(p), 1);
	assert_str(reports(p, 1)->proof, "dkim:x.example");
	/* But not for ever. */
	p->key_st = ST_TEMP;
	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "x.example", REPORT("2", "1") "\r\n"));
	(void)run(p);
	assert_int_equal(files(p, SPOOL_NEW), 1);
	p->now = 1001 + DIGEST_KEY_WAIT_S;
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"its key cannot be looked up");
}

/* Out of a mailbox, or replayed: its first day is long over. */
static void a_key_of_an_old_mail_has_an_hour(void **state)
{
	struct place *p = *state;

	p->key_st = ST_TEMP;
	p->now = 1001 + 2 * DIGEST_KEY_WAIT_S;
	put(p, SPOOL_MAIL, LABEL,
		mail_of(p, "x.example", REPORT("2", "1") "\r\n"));
	(void)run(p);
	assert_int_equal(files(p, SPOOL_NEW), 1);
	p->now += DIGEST_KEY_TRY_S;
	assert_int_equal(run(p), 1);
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"its key cannot be looked up");
}

#define FOREIGN                                                                \
	"{\"organization-name\":\"X\",\"contact-info\":\"tls@x.example\","     \
	"\"report-id\":\"2\",\"policies\":[{\"policy\":{\"policy-type\":"      \
	"\"sts\",\"policy-domain\":\"v.example\"},\"summary\":{}}]}"

static void a_mail_about_another_domain(void **state)
{
	struct place *p = *state;

	a_domain(p, "z.example", "zzzzzzzzzzzzzzzz");
	a_domain(p, "w.example", "wwwwwwwwwwwwwwww");
	/* Of the same tenant: it is sorted where it belongs. */
	put_mail(p, "x.example", "zzzzzzzzzzzzzzzz", REPORT("1", "1") "\r\n");
	assert_str(reports(p, 1)->domain, "y.example");
	/* Of nobody here: somebody sent on what was signed for others. */
	put_mail(p, "x.example", "zzzzzzzzzzzzzzzz", FOREIGN "\r\n");
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"it is about v.example");
}

#define ABOUT(id, type, domain)                                                \
	"{\"organization-name\":\"X\",\"contact-info\":\"tls@x.example\","     \
	"\"report-id\":\"" id "\",\"policies\":[{\"policy\":{"                 \
	"\"policy-type\":\"" type "\",\"policy-domain\":\"" domain             \
	"\"},\"summary\":{}}]}"

/* TLSA policies name MX hosts, but a stranger's prove nothing. */
static void a_mail_about_hosts(void **state)
{
	static const char z[] = "zzzzzzzzzzzzzzzz";
	struct place *p = *state;

	a_domain(p, "z.example", z);
	put_mail(p, "x.example", z, ABOUT("1", "tlsa", "mx.z.example") "\r\n");
	assert_str(reports(p, 1)->domain, "z.example");
	put_mail(p, "x.example", z, ABOUT("2", "tlsa", "mx.v.example") "\r\n");
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"it is about mx.v.example");
}

/* Reports of the last days come when a domain is gone; its hosts are known. */
static void a_mail_about_hosts_of_a_removed_domain(void **state)
{
	static const char z[] = "zzzzzzzzzzzzzzzz";
	struct place *p = *state;
	struct store_domain d;

	a_domain(p, "z.example", z);
	OK(store_domain_get(p->d.store, p->a, STORE_TENANT_DEFAULT,
		STR("z.example"), &d, &p->e));
	d.mx = (struct store_strs){ (struct str[]){ STR("mx.v.example") }, 1 };
	d.removed = 1000;
	OK(store_domain_put(p->d.store, &d, &p->e));
	put_mail(p, "x.example", z, ABOUT("1", "tlsa", "mx.v.example") "\r\n");
	assert_str(reports(p, 1)->domain, "z.example");
	put_mail(p, "x.example", z, ABOUT("2", "tlsa", "mx.w.example") "\r\n");
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"it is about mx.w.example");
}

static void a_mail_about_nothing(void **state)
{
	static const char z[] = "zzzzzzzzzzzzzzzz";
	struct place *p = *state;

	a_domain(p, "z.example", z);
	put_mail(p, "x.example", z, ABOUT("1", "no-policy-found", "") "\r\n");
	assert_str(reports_in(p, STORE_REPORT_QUARANTINED, 1)->why,
		"it is about no domain");
}

static void a_mailbox_tells_by_the_report(void **state)
{
	struct place *p = *state;
	struct store_bad_report *bad;
	size_t n;

	put_mail(p, "x.example", "@default", REPORT("1", "1") "\r\n");
	assert_str(reports(p, 1)->domain, "y.example");
	put_mail(p, "x.example", "@other", REPORT("1", "1") "\r\n");
	OK(store_bad_report_list(
		p->d.store, p->a, STR(""), 10, &bad, &n, &p->e));
	assert_int_equal(n, 1);
	assert_str(bad->reason, "it is about no domain of the tenant other");
}

/* An operator's word is not needed where there is a signature. */
static void an_imported_mail_keeps_its_proof(void **state)
{
	struct place *p = *state;

	put(p, SPOOL_IMPORT, "",
		mail_of(p, "x.example", REPORT("1", "1") "\r\n"));
	put(p, SPOOL_IMPORT, "", mail_of(p, NULL, REPORT("2", "1") "\r\n"));
	assert_int_equal(run(p), 2);
	for (int i = 0; i < 2; i++) {
		struct store_report *r = &reports(p, 2)[i];

		assert_str(r->proof, str_eq(r->report_id, STR("1"))
					     ? "dkim:x.example"
					     : "import");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_post_becomes_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_read_is_kept_and_listed, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			nothing_is_counted_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_unreadable_one_is_read_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_kept_one_is_read_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_does_not_move_holds_up_none, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			raw_reports_end, setup, teardown),
		cmocka_unit_test_setup_teardown(
			many_raw_reports_end_in_several_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_import_finds_its_domain, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_import_goes_to_whose_the_domain_is, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_child_serves_some_and_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_bad_child_costs_one_report, setup, teardown),
		cmocka_unit_test_setup_teardown(
			no_child_costs_no_report, setup, teardown),
		cmocka_unit_test_setup_teardown(
			reports_have_so_much_room_in_an_hour, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_signed_mail_is_proven, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_nothing_proves_is_in_quarantine, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_signature_over_a_quote_proves_nothing, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			line_ends_of_two_kinds_prove_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_sent_on_is_proven_by_its_own_signature, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_forged_report_hides_and_replaces_none, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			the_tenants_rule_decides, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_waits_for_its_key, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_key_of_an_old_mail_has_an_hour, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_about_another_domain, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_about_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_about_hosts_of_a_removed_domain, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_mail_about_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_mailbox_tells_by_the_report, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_imported_mail_keeps_its_proof, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
