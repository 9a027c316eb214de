/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/io/tmpdir.h"
#include "tests/testing.h"

#include "base/arena.h"
#include "base/mem.h"
#include "io/fd.h"
#include "io/spool.h"
#include "io/spool_writer.h"

#include "base/poison.h"

static const struct spool_meta META = {
	.source = SPOOL_POST,
	.id = { "abcdefgh23456777", 16 },
	.received = { 1763755200 },
	.remote = { "192.0.2.7", 9 },
	.content_type = { "application/tlsrpt+gzip", 23 },
};

struct fixture {
	char dir[64];
	struct spool *spool;
	struct arena *arena;
	struct err err;
};

static void open_with(struct fixture *f, struct spool_limits limits)
{
	*f = (struct fixture){ .dir = "/tmp/moat-test-spool-XXXXXX" };
	tmpdir_make(f->dir);
	f->arena = arena_must(0);
	assert_int_equal(
		spool_open(f->dir, &limits, &f->spool, &f->err), ST_OK);
}

static void close_all(struct fixture *f)
{
	spool_close(&f->spool);
	arena_free(&f->arena);
	tmpdir_remove(f->dir);
}

static size_t files_in(struct fixture *f, const char *folder)
{
	struct str path = arena_fmt(f->arena, "%s/%s", f->dir, folder);
	struct stat st;
	size_t n = 0;
	DIR *d = opendir(path.p);
	struct dirent *ent;

	assert_non_null(d);
	assert_int_equal(stat(path.p, &st), 0);
	while ((ent = readdir(d)) != NULL)
		n += ent->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static void what_was_put_is_read_back(void **state)
{
	struct fixture f;
	struct spool_names names;
	struct spool_meta m;
	struct str body;
	char name[SPOOL_NAME_MAX];

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	assert_int_equal(spool_put(f.spool, &META, STR("\n\n{}\0\xff"), name,
				 NULL, &f.err),
		ST_OK);
	assert_int_equal(
		spool_list(f.spool, SPOOL_NEW, 9, f.arena, &names, &f.err),
		ST_OK);
	assert_int_equal(names.n, 1);
	assert_str(names.items[0], name);
	assert_int_equal(spool_read(f.spool, SPOOL_NEW, names.items[0], f.arena,
				 &m, &body, &f.err),
		ST_OK);
	assert_int_equal(body.n, 6);
	assert_memory_equal(body.p, "\n\n{}\0\xff", 6);
	assert_int_equal(m.source, SPOOL_POST);
	assert_int_equal(m.received.s, META.received.s);
	assert_str(m.id, "abcdefgh23456777");
	assert_str(m.remote, "192.0.2.7");
	assert_str(m.content_type, "application/tlsrpt+gzip");
	assert_int_equal(files_in(&f, "tmp"), 0);
	close_all(&f);
}

static void names_are_in_order_of_arrival(void **state)
{
	struct fixture f;
	struct spool_names names;
	struct spool_meta m = META;
	struct str body;

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	for (int i = 0; i < 5; i++) {
		m.received.s = META.received.s + (i * 3) % 5;
		assert_int_equal(
			spool_put(f.spool, &m, STR("x"), NULL, NULL, &f.err),
			ST_OK);
	}
	assert_int_equal(
		spool_list(f.spool, SPOOL_NEW, 4, f.arena, &names, &f.err),
		ST_OK);
	assert_int_equal(names.n, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(spool_read(f.spool, SPOOL_NEW, names.items[i],
					 f.arena, &m, &body, &f.err),
			ST_OK);
		assert_int_equal(m.received.s, META.received.s + (int64_t)i);
	}
	close_all(&f);
}

static void reports_move_and_go(void **state)
{
	struct fixture f;
	char name[SPOOL_NAME_MAX];

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	assert_int_equal(
		spool_put(f.spool, &META, STR("x"), name, NULL, &f.err), ST_OK);
	assert_int_equal(spool_move(f.spool, SPOOL_NEW, SPOOL_DONE,
				 str_of(name), &f.err),
		ST_OK);
	assert_int_equal(files_in(&f, "new"), 0);
	assert_int_equal(files_in(&f, "done"), 1);
	assert_int_equal(spool_move(f.spool, SPOOL_NEW, SPOOL_DONE,
				 str_of(name), &f.err),
		ST_NOTFOUND);
	assert_int_equal(
		spool_remove(f.spool, SPOOL_DONE, str_of(name), &f.err), ST_OK);
	assert_int_equal(
		spool_remove(f.spool, SPOOL_DONE, str_of(name), &f.err),
		ST_NOTFOUND);
	assert_int_equal(
		spool_remove(f.spool, SPOOL_DONE, STR("../new/x"), &f.err),
		ST_INVALID);
	close_all(&f);
}

/* What is no spool file is not listed: it would be in the way for ever. */
static void many_move_at_once(void **state)
{
	struct spool_names names;
	struct str three[3];
	struct fixture f;

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			spool_put(f.spool, &META, STR("x"), NULL, NULL, &f.err),
			ST_OK);
	assert_int_equal(
		mkdir(arena_fmt(f.arena, "%s/new/folder", f.dir).p, 0700), 0);
	assert_int_equal(
		mkdir(arena_fmt(f.arena, "%s/new/a name", f.dir).p, 0700), 0);
	assert_int_equal(
		spool_list(f.spool, SPOOL_NEW, 9, f.arena, &names, &f.err),
		ST_OK);
	assert_int_equal(names.n, 2);
	three[0] = names.items[0];
	three[1] = STR("gone");
	three[2] = names.items[1];
	assert_int_equal(spool_move_all(f.spool, SPOOL_NEW, SPOOL_DONE, three,
				 3, &f.err),
		ST_OK);
	assert_int_equal(files_in(&f, "done"), 2);
	three[1] = STR("../x");
	assert_int_equal(spool_move_all(f.spool, SPOOL_DONE, SPOOL_NEW, three,
				 3, &f.err),
		ST_INVALID);
	close_all(&f);
}

static void caps_say_which(void **state)
{
	struct fixture f;
	enum spool_limit which;

	(void)state;
	open_with(&f, (struct spool_limits){ 10, 1000, 2 });
	assert_int_equal(spool_put(f.spool, &META, STR("01234567890"), NULL,
				 &which, &f.err),
		ST_LIMIT);
	assert_int_equal(which, SPOOL_LIMIT_FILE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(spool_put(f.spool, &META, STR("0123456789"),
					 NULL, &which, &f.err),
			ST_OK);
	assert_int_equal(
		spool_put(f.spool, &META, STR("x"), NULL, &which, &f.err),
		ST_LIMIT);
	assert_int_equal(which, SPOOL_LIMIT_BACKLOG);
	assert_int_equal(files_in(&f, "new"), 2);
	close_all(&f);
}

static void head_fields_cannot_forge_lines(void **state)
{
	struct spool_meta m = META;
	struct fixture f;

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	m.content_type = STR("a\nsource: mail");
	assert_int_equal(spool_put(f.spool, &m, STR("x"), NULL, NULL, &f.err),
		ST_INVALID);
	m.content_type = STR("");
	m.id = (struct str){ "x", SPOOL_ID_MAX + 1 };
	assert_int_equal(spool_put(f.spool, &m, STR("x"), NULL, NULL, &f.err),
		ST_INVALID);
	assert_int_equal(files_in(&f, "new"), 0);
	assert_int_equal(files_in(&f, "tmp"), 0);
	close_all(&f);
}

/* A write that stops half way leaves nothing behind, in tmp/ neither. */
static void a_full_disk_is_clean(void **state)
{
	struct rlimit old, small;
	enum spool_limit which;
	struct fixture f;
	char *big = mem_must(100000);

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	small = (struct rlimit){ 50000, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(spool_put(f.spool, &META, (struct str){ big, 100000 },
				 NULL, &which, &f.err),
		ST_LIMIT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(which, SPOOL_LIMIT_DISK);
	assert_int_equal(files_in(&f, "new"), 0);
	assert_int_equal(files_in(&f, "tmp"), 0);
	mem_free(big);
	close_all(&f);
}

/* What a dead writer left goes; the file of a live one stays. */
static void leftovers_are_swept(void **state)
{
	struct fixture f;
	struct spool *again = NULL;
	int live, dead;

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	live = open(arena_fmt(f.arena, "%s/tmp/live", f.dir).p,
		O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
	dead = open(arena_fmt(f.arena, "%s/tmp/dead", f.dir).p,
		O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
	assert_true(live >= 0 && dead >= 0);
	assert_int_equal(flock(live, LOCK_EX), 0);
	fd_close(&dead);
	assert_int_equal(
		spool_open(f.dir, &SPOOL_LIMITS_DEFAULT, &again, &f.err),
		ST_OK);
	assert_int_equal(files_in(&f, "tmp"), 1);
	fd_close(&live);
	spool_close(&again);
	close_all(&f);
}

static void foreign_files_are_no_reports(void **state)
{
	static const char *const texts[] = {
		"",
		"moat-spool 1\n",
		"moat-spool 2\nsource: post\n",
		"moat-spool 1\nsource: fax\nreceived: 1\nid: \nremote: \n"
		"content-type: \n\n",
		"moat-spool 1\nsource: post\nreceived: -1\nid: \nremote: \n"
		"content-type: \n\n",
		"moat-spool 1\nsource: post\nreceived: 1\nid: \nremote: \n"
		"content-type: ",
	};
	struct fixture f;
	struct spool_meta m;
	struct str body;

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *out = fopen(
			arena_fmt(f.arena, "%s/new/x", f.dir).p, "we");

		assert_non_null(out);
		(void)fputs(texts[i], out);
		(void)fclose(out);
		assert_int_equal(spool_read(f.spool, SPOOL_NEW, STR("x"),
					 f.arena, &m, &body, &f.err),
			ST_INVALID);
	}
	close_all(&f);
}

struct results {
	struct loop *loop;
	int ok, limit, want;
};

static void on_done(
	void *ctx, enum status st, enum spool_limit which, const char *why)
{
	struct results *r = ctx;

	r->ok += st == ST_OK;
	r->limit += st == ST_LIMIT && which == SPOOL_LIMIT_FILE;
	assert_int_equal(st == ST_OK, why[0] == '\0');
	if (r->ok + r->limit == r->want)
		loop_stop(r->loop);
}

static char *text_of(size_t n)
{
	char *p = mem_must(n);

	memset(p, 'x', n);
	return p;
}

static void the_disk_thread_answers_on_the_loop(void **state)
{
	struct fixture f;
	struct loop *l = loop_new();
	struct results r = { .loop = l, .want = 21 };
	struct spool_writer *w;
	struct spool_job *job;

	(void)state;
	open_with(&f, (struct spool_limits){ 100, 1 << 20, 1000 });
	w = spool_writer_new(l, f.spool, 1000);
	for (int i = 0; i < 20; i++)
		assert_int_equal(spool_writer_start(w, &META, text_of(10), 10,
					 on_done, &r, &job),
			ST_OK);
	assert_int_equal(spool_writer_start(w, &META, text_of(101), 101,
				 on_done, &r, &job),
		ST_OK);
	assert_int_equal(r.ok, 0);
	loop_run(l);
	assert_int_equal(r.ok, 20);
	assert_int_equal(r.limit, 1);
	assert_int_equal(files_in(&f, "new"), 20);
	spool_writer_free(&w);
	loop_free(&l);
	close_all(&f);
}

static void cancelled_jobs_stay_silent_and_memory_is_capped(void **state)
{
	struct fixture f;
	struct loop *l = loop_new();
	struct results r = { .loop = l, .want = 1 };
	struct spool_writer *w;
	struct spool_job *job;
	char *refused = text_of(500);

	(void)state;
	open_with(&f, SPOOL_LIMITS_DEFAULT);
	w = spool_writer_new(l, f.spool, 1000);
	assert_int_equal(spool_writer_start(w, &META, text_of(600), 600,
				 on_done, &r, &job),
		ST_OK);
	spool_job_cancel(&job);
	spool_job_cancel(&job);
	assert_int_equal(
		spool_writer_start(w, &META, refused, 500, on_done, &r, &job),
		ST_LIMIT);
	assert_int_equal(spool_writer_start(w, &META, text_of(400), 400,
				 on_done, &r, &job),
		ST_OK);
	loop_run(l);
	assert_int_equal(r.ok, 1);
	/* ended with work in the queue: written, but nobody is called */
	assert_int_equal(
		spool_writer_start(w, &META, refused, 500, on_done, &r, &job),
		ST_OK);
	spool_writer_free(&w);
	loop_turn(l, false);
	assert_int_equal(r.ok, 1);
	loop_free(&l);
	assert_int_equal(files_in(&f, "new"), 3);
	close_all(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_read_back),
		cmocka_unit_test(names_are_in_order_of_arrival),
		cmocka_unit_test(reports_move_and_go),
		cmocka_unit_test(many_move_at_once),
		cmocka_unit_test(caps_say_which),
		cmocka_unit_test(head_fields_cannot_forge_lines),
		cmocka_unit_test(a_full_disk_is_clean),
		cmocka_unit_test(leftovers_are_swept),
		cmocka_unit_test(foreign_files_are_no_reports),
		cmocka_unit_test(the_disk_thread_answers_on_the_loop),
		cmocka_unit_test(
			cancelled_jobs_stay_silent_and_memory_is_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
