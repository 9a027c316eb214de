/* SPDX-License-Identifier: Apache-2.0 */
/* digest_reader with its own children, and with children that misbehave. */
#include "tests/intake/digest_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "io/channel.h"
#include "io/gzip.h"

#include "base/poison.h"

#define MAIL                                                                   \
	"From: =?iso-8859-1?q?J=F6rg?= <tls@x.example>\n"                      \
	"Subject: =?windows-1252?b?5Q==?=\n"                                   \
	"Content-Type: multipart/report; report-type=tlsrpt; boundary=b\n\n"   \
	"--b\nContent-Type: text/plain; charset=koi8-r\n\n\xc1\n--b\n"         \
	"Content-Type: application/tlsrpt+json; name*=utf-8''a%20b.json\n"     \
	"Content-Transfer-Encoding: quoted-printable\n\n"                      \
	"{\"policies\"=3A[{\"policy\":{\"policy-domain\":\"y.example\"}}]}\n"  \
	"--b--\n"
#define TEN "[[[[[[[[[["
#define DEEP TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define WAIT_MS 30000
#define ITEMS 100u

static struct digest_item *items_of(struct place *p, struct str raw, size_t n)
{
	struct digest_item *items = arena_array(p->a, n, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = (struct digest_item){
			.arena = p->a, .raw = raw, .received = { 1000 }
		};
	return items;
}

static void read_all(struct place *p, struct digest_item *items, size_t n)
{
	size_t done = 0;

	OK(digest_reader_read(p->d.reader, items, n, &done, &p->e));
	assert_int_equal(done, n);
}

static void all_are_read(const struct digest_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (items[i].st != ST_OK)
			fail_msg("%zu: %s", i, items[i].err.text);
		assert_int_equal(items[i].reports.n, 1);
	}
}

static void a_batch_has_a_child(void **state)
{
	struct place *p = *state;
	struct digest_item *items = items_of(p, STR(REPORT("1", "1")), ITEMS);

	for (size_t i = 0; i < 2; i++)
		read_all(p, &items[i], 1);
	assert_int_equal(digest_reader_started(p->d.reader), 2);
	read_all(p, items, ITEMS);
	all_are_read(items, ITEMS);
	assert_int_equal(digest_reader_started(p->d.reader),
		2 + (ITEMS + DIGEST_BATCH_REPORTS - 1) / DIGEST_BATCH_REPORTS);
	read_all(p, items, 0);
}

static struct str padded(struct arena *a, struct str s, size_t n)
{
	char *text = arena_alloc(a, n);

	memset(text, ' ', n);
	memcpy(text, s.p, s.n);
	return (struct str){ text, n };
}

static void what_is_large_is_read_alone(void **state)
{
	struct place *p = *state;
	struct arena *raws = arena_must(0);
	struct digest_item *items = items_of(p, STR(REPORT("1", "1")), 6);

	items[1].raw = padded(raws, items[1].raw, DIGEST_BATCH_BYTES + 1);
	items[3].raw = padded(raws, items[3].raw, DIGEST_BATCH_BYTES / 2);
	items[4].raw = items[3].raw;
	items[5].raw = padded(raws, items[1].raw, TLSRPT_RAW_BYTES_MAX + 1);
	read_all(p, items, 6);
	all_are_read(items, 5);
	assert_int_equal(items[5].st, ST_LIMIT);
	assert_int_equal(digest_reader_started(p->d.reader), 4);
	arena_free(&raws);
}

/* A report that is much larger than its file. */
static struct str swelling(struct place *p)
{
	struct sbuf b = sbuf_arena(p->a, 4u << 20);
	struct str packed;

	sbuf_addz(&b, "{\"policies\":[{\"policy\":{\"policy-type\":\"sts\"},"
		      "\"summary\":{},\"failure-details\":[");
	for (unsigned i = 0; i < 7000; i++)
		sbuf_fmt(&b,
			"%s{\"result-type\":\"certificate-expired\","
			"\"sending-mta-ip\":\"10.%u.%u.1\","
			"\"failed-session-count\":%u}",
			i > 0 ? "," : "", i % 256, i / 256, i * 2654435761u);
	sbuf_addz(&b, "]}]}");
	assert_true(sbuf_ok(&b));
	assert_int_equal(gzip_pack(p->a, sbuf_str(&b), &packed), ST_OK);
	return packed;
}

/* However many small files become large, the memory is bounded. */
static void no_more_is_read_than_there_is_room_for(void **state)
{
	struct place *p = *state;
	struct digest_item *items = items_of(p, swelling(p), 32);
	size_t n = 0, done = 0, bytes;

	for (unsigned rounds = 0; n < 32; rounds++) {
		bytes = 0;
		for (size_t i = n; i < 32; i++)
			items[i].arena = arena_must(0);
		OK(digest_reader_read(
			p->d.reader, items + n, 32 - n, &done, &p->e));
		assert_in_range(done, 1, 32 - n);
		all_are_read(items + n, done);
		for (size_t i = n; i < 32; i++) {
			bytes += arena_used(items[i].arena);
			arena_free(&items[i].arena);
		}
		assert_true(bytes < DIGEST_READ_MEMORY + (16u << 20));
		assert_true(rounds < 32 && (rounds > 0 || done < 32));
		n += done;
	}
}

/* The parsers are at home in the sandbox; each answer goes to its question. */
static void a_batch_of_all_sorts(void **state)
{
	static const struct {
		const char *raw;
		enum status st;
	} rows[] = {
		{ REPORT("1", "1"), ST_OK },
		{ "<xml/>", ST_INVALID },
		{ MAIL, ST_OK },
		{ "", ST_INVALID },
		{ DEEP, ST_LIMIT },
		{ REPORT("2", "1"), ST_OK },
	};
	size_t n = sizeof(rows) / sizeof(*rows);
	struct place *p = *state;
	struct digest_item *items = items_of(p, STR(""), n);

	for (size_t i = 0; i < n; i++)
		items[i].raw = str_of(rows[i].raw);
	read_all(p, items, n);
	for (size_t i = 0; i < n; i++)
		if (items[i].st != rows[i].st)
			fail_msg("%zu: %s", i, items[i].err.text);
	assert_str(items[0].reports.items[0]->id, "1");
	assert_false(items[0].reports.is_mail);
	assert_str(items[2].reports.items[0]->policies.items[0].domain,
		"y.example");
	assert_true(items[2].reports.is_mail);
	assert_str(items[5].reports.items[0]->id, "2");
	assert_int_equal(digest_reader_started(p->d.reader), 1);
}

/* ---- children that misbehave ---- */

#define MARK "GUILTY"
#define HEAD "{\"status\":\"ok\",\"reports\":1,\"quirks\":[\"\"]}"

static const char *const misdeeds[] = { "dies", "stalls", "says 5:hello,",
	"says 2:{},", "says 99999999999:", "says 41:" HEAD ",5:hello,",
	"says less" };

static const char *misdeed; /* of the child on a report with the mark */

static void misbehave(int fd)
{
	struct str what = str_of(misdeed);

	if (what.n == 0)
		return;
	if (str_eq(what, STR("dies")))
		(void)raise(SIGKILL);
	if (str_eq(what, STR("says less")))
		_exit(0);
	what = str_from(what, sizeof("says ") - 1);
	if (str_starts(str_of(misdeed), STR("says ")))
		BUG(write(fd, what.p, what.n) != (ssize_t)what.n);
	(void)poll(NULL, 0, -1);
}

/* As digest_child.h says, with the same answer to all. */
static int do_child(int fd)
{
	struct mono deadline = { clock_mono(clock_system()).ms + WAIT_MS };
	struct str head = STR(HEAD), report = STR(REPORT("1", "1"));
	struct str texts[2 * DIGEST_BATCH_REPORTS + 1] = {}, answer[2];
	struct arena *a = arena_must(0);
	struct channel_reader r = channel_reader_of(
		fd, arena_alloc(a, 4096), 4096);
	uint32_t n = 0;

	answer[0] = head;
	answer[1] = report;
	BUG(channel_write(fd, STR(DIGEST_READY), deadline, NULL) != ST_OK);
	BUG(channel_next(&r, a, 10, deadline, &texts[0], NULL) != ST_OK);
	BUG(num_u32(texts[0], 1, DIGEST_BATCH_REPORTS, &n) != ST_OK);
	for (size_t i = 1; i <= 2 * n; i++)
		BUG(channel_next(&r, a, 1 << 20, deadline, &texts[i], NULL) !=
			ST_OK);
	for (size_t i = 2; i <= 2 * n; i += 2) {
		if (str_starts(texts[i], STR(MARK)))
			misbehave(fd);
		BUG(channel_write_all(fd, answer, 2, deadline, NULL) != ST_OK);
	}
	return 0;
}

static void use_bad_children(struct place *p, const char *what)
{
	struct digest_reader_options options = { .child = do_child,
		.time_ms = strcmp(what, "stalls") == 0 ? 4000 : WAIT_MS };

	misdeed = what;
	digest_reader_free(&p->d.reader);
	p->d.reader = digest_reader_new(&options);
}

/* A child that dies, stalls or babbles takes only its report with it. */
static void a_bad_child_costs_one_report(void **state)
{
	struct place *p = *state;

	for (size_t m = 0; m < sizeof(misdeeds) / sizeof(*misdeeds); m++) {
		struct digest_item *items = items_of(p, STR("a report"), 5);

		use_bad_children(p, misdeeds[m]);
		items[2].raw = STR(MARK);
		read_all(p, items, 5);
		all_are_read(items, 2);
		all_are_read(items + 3, 2);
		assert_int_equal(items[2].st, ST_INVALID);
		assert_true(str_starts(str_of(items[2].err.text),
			STR("it took the reader down 2 times: ")));
		assert_int_equal(digest_reader_started(p->d.reader), 1 + 4 + 2);
	}
}

/*
 * Nor does it find out by trying where the memory of the next one is: that is
 * no copy of the same starter. Here it is a fork that sees what we say now.
 */
static void a_bad_child_costs_the_starter(void **state)
{
	struct place *p = *state;
	struct digest_item *items = items_of(p, STR(MARK), 2);

	use_bad_children(p, "dies");
	read_all(p, items, 1);
	assert_int_equal(items[0].st, ST_INVALID);
	misdeed = "";
	read_all(p, items + 1, 1);
	all_are_read(items + 1, 1);
}

static void it_alone_is_set_aside(void **state)
{
	struct place *p = *state;
	struct store_bad_report *bad;
	size_t n;

	use_bad_children(p, "dies");
	put(p, SPOOL_IMPORT, "", STR("a report"));
	put(p, SPOOL_IMPORT, "", STR(MARK));
	put(p, SPOOL_IMPORT, "", STR("one more"));
	assert_int_equal(run(p), 3);
	assert_int_equal(files(p, SPOOL_DONE), 2);
	assert_int_equal(files(p, SPOOL_BAD), 1);
	OK(store_bad_report_list(
		p->d.store, p->a, STR(""), 10, &bad, &n, &p->e));
	assert_int_equal(n, 1);
	assert_int_equal(bad[0].bytes, sizeof(MARK) - 1);
}

/* ---- the starter ---- */

static void write_program(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	BUG(fd < 0);
	BUG(write(fd, text, strlen(text)) != (ssize_t)strlen(text));
	(void)close(fd);
}

#define READY "#!/bin/sh\nprintf '5:ready,' >&0\n"

/* What is not the report's fault does not cost it anything. */
static void no_child_costs_no_report(void **state)
{
	static const char *const programs[] = {
		"#!/bin/sh\nexit 1\n",
		"#!/bin/sh\nprintf '5:hello,' >&0\nexec sleep 100\n",
		"#!/nonexistent\n",
		READY "exit 1\n",
		READY "head -c 1 >/dev/null\nprintf '2:-1,' >&0\n"
		      "exec sleep 100\n",
		READY "head -c 1 >/dev/null\nprintf '1:x,' >&0\n",
	};
	struct digest_reader_options good = { .time_ms = 20000 };
	struct place *p = *state;
	size_t done;

	put(p, SPOOL_POST, LABEL, STR(REPORT("1", "1")));
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *path = arena_fmt(p->a, "%s/none%zu", p->dir, i).p;
		struct digest_reader_options options = { .program = path,
			.time_ms = 20000 };

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

static unsigned open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	BUG(d == NULL);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

/* How many children have ended and were not waited for; -1: there is none. */
static int ended_children(void)
{
	siginfo_t info = {};

	if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT | WNOHANG) != 0)
		return -1;
	return info.si_pid != 0;
}

/* It is the one process in our group that does not block the signal. */
static void kill_starter(void)
{
	siginfo_t info = {};
	sigset_t set;
	int sig;

	BUG(sigemptyset(&set) != 0 || sigaddset(&set, SIGUSR1) != 0);
	BUG(sigprocmask(SIG_BLOCK, &set, NULL) != 0);
	BUG(setpgid(0, 0) != 0 && getpgrp() != getpid());
	BUG(kill(0, SIGUSR1) != 0 || sigwait(&set, &sig) != 0);
	BUG(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0);
}

static void a_starter_that_died_is_started_anew(void **state)
{
	struct place *p = *state;
	struct digest_item *items = items_of(p, STR(REPORT("1", "1")), 2);
	unsigned open_before;

	BUG(setpgid(0, 0) != 0 && getpgrp() != getpid());
	read_all(p, items, 2);
	open_before = open_files();
	kill_starter();
	read_all(p, items, 2);
	all_are_read(items, 2);
	assert_int_equal(open_files(), open_before);
	assert_int_equal(ended_children(), 0);
	/* When there is nothing to read. */
	kill_starter();
	digest_reader_rest(p->d.reader);
	assert_int_equal(ended_children(), -1);
	read_all(p, items, 2);
	assert_int_equal(open_files(), open_before);
	digest_reader_free(&p->d.reader);
	assert_int_equal(ended_children(), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_batch_has_a_child, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(what_is_large_is_read_alone,
			place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			no_more_is_read_than_there_is_room_for, place_setup,
			place_teardown),
		cmocka_unit_test_setup_teardown(
			a_batch_of_all_sorts, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(a_bad_child_costs_one_report,
			place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(a_bad_child_costs_the_starter,
			place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			it_alone_is_set_aside, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			no_child_costs_no_report, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(
			a_starter_that_died_is_started_anew, place_setup,
			place_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
