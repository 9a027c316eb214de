/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not happen to hosting: readers killed, stopped or overtaken; a file
 * cut off, damaged, full, missing, replaced; no database and no keeper.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/log.h"
#include "fixture.h"

#include "base/poison.h"

#define HOST "mta-sts.example.com"

/*
 * Reads until told to stop. Each value says the same in two places, so that a
 * mixture of two commits would show. Exit 0: all was whole.
 */
static void read_for_ever(const char *path)
{
	struct arena *a = arena_must(0);
	struct view *v;

	if (view_open(path, NULL, &v, NULL) != ST_OK)
		_exit(1);
	for (;;) {
		struct view_host h;

		if (view_host_get(v, a, STR(HOST), &h) != ST_OK)
			_exit(2);
		if (!str_eq(h.policy, h.domain))
			_exit(3);
		arena_reset(a);
	}
}

static pid_t start_reader(struct fixture *t)
{
	pid_t pid = fork();

	if (pid == 0)
		read_for_ever(t->path);
	(void)usleep(20000);
	return pid;
}

static void commit_many(struct fixture *t, int n)
{
	for (int i = 0; i < n; i++) {
		char body[3000];

		memset(body, 'a' + i % 26, sizeof(body) - 1);
		body[sizeof(body) - 1] = '\0';
		put_host(t, HOST, body);
	}
}

static off_t file_size(struct fixture *t)
{
	struct stat st;

	assert_int_equal(stat(t->path, &st), 0);
	return st.st_size;
}

/* A reader has nothing the writer could wait for, dead or stopped. */
static void stopped_and_killed_readers(void **state)
{
	struct fixture *t = *state;
	pid_t stopped, killed;
	off_t before;
	int status;

	commit_many(t, 20);
	stopped = start_reader(t);
	killed = start_reader(t);
	assert_int_equal(kill(stopped, SIGSTOP), 0);
	assert_int_equal(kill(killed, SIGKILL), 0);
	assert_int_equal(waitpid(killed, &status, 0), killed);
	before = file_size(t);
	commit_many(t, 10000);
	assert_true(file_size(t) <= before + (64 << 10));
	/* It goes on as if nothing had been. */
	assert_int_equal(kill(stopped, SIGCONT), 0);
	(void)usleep(20000);
	assert_int_equal(waitpid(stopped, &status, WNOHANG), 0);
	assert_int_equal(kill(stopped, SIGKILL), 0);
	assert_int_equal(waitpid(stopped, &status, 0), stopped);
	assert_true(WIFSIGNALED(status));
}

/* Fifty times faster than a keeper commits, and every value is whole. */
static void readers_of_a_busy_writer(void **state)
{
	struct fixture *t = *state;
	pid_t readers[2];
	int status;

	view_writer_close(&t->w);
	t->opt.commit_gap_ms = 1;
	OK(view_writer_open(t->path, &t->opt, &t->w, &t->e));
	commit_many(t, 2);
	for (int i = 0; i < 2; i++)
		readers[i] = start_reader(t);
	commit_many(t, 500);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(readers[i], &status, WNOHANG), 0);
		assert_int_equal(kill(readers[i], SIGKILL), 0);
		assert_int_equal(waitpid(readers[i], &status, 0), readers[i]);
	}
}

/* Opens and closes for ever. Exit 2: the view was not usable once. */
static void open_for_ever(const char *path)
{
	struct view *v;

	for (;;) {
		if (view_open(path, NULL, &v, NULL) != ST_OK)
			_exit(1);
		if (!view_healthy(v, NULL))
			_exit(2);
		view_close(&v);
	}
}

/*
 * A role that starts in the middle of a commit serves at once: also when pages
 * at the end are left out because the commit has freed them again.
 */
static void opened_in_a_commit(void **state)
{
	struct fixture *t = *state;
	int status;
	pid_t pid;

	view_writer_close(&t->w);
	t->opt.no_sync = false;
	OK(view_writer_open(t->path, &t->opt, &t->w, &t->e));
	pid = fork();
	if (pid == 0)
		open_for_ever(t->path);
	for (int i = 0; i < 200; i++) {
		struct view_host h = { .policy = STR("body") };
		char host[32];

		OK(view_writer_begin(t->w, &t->e));
		for (int k = 0; k < 400; k++) {
			(void)snprintf(host, sizeof(host), "h%d.example", k);
			OK(view_set_host(t->w, str_of(host), &h, &t->e));
		}
		for (int k = 0; k < 400; k++) {
			(void)snprintf(host, sizeof(host), "h%d.example", k);
			OK(view_set_host(t->w, str_of(host), NULL, &t->e));
		}
		OK(view_writer_commit(t->w, &t->e));
	}
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void second(struct fixture *t)
{
	t->ms += 1100;
}

static void truncated_file(void **state)
{
	struct fixture *t = *state;
	struct view *fresh;
	struct view_host h;
	uint64_t used, max;
	const char *why;

	commit_many(t, 50);
	OK(view_host_get(t->v, t->a, STR(HOST), &h));
	view_writer_usage(t->w, &used, &max);
	view_writer_close(&t->w);
	assert_int_equal(truncate(t->path, (off_t)used - 8192), 0);
	second(t);
	(void)view_host_get(t->v, t->a, STR("not.there"), &h);
	second(t);
	assert_int_equal(view_host_get(t->v, t->a, STR(HOST), &h), ST_TEMP);
	assert_false(view_healthy(t->v, &why));
	assert_string_equal(why, "the view is cut off");
	OK(view_open(t->path, &t->clock, &fresh, &t->e));
	assert_false(view_healthy(fresh, NULL));
	assert_int_equal(view_host_get(fresh, t->a, STR(HOST), &h), ST_TEMP);
	view_close(&fresh);
	/* The writer sees it too, and a new file heals everything. */
	assert_int_equal(
		view_writer_open(t->path, &t->opt, &t->w, &t->e), ST_PERM);
	OK(view_writer_create(t->path, &t->opt, &t->zone, &t->w, &t->e));
	OK(view_set_host(t->w, STR(HOST), &h, &t->e));
	OK(view_writer_publish(t->w, &t->e));
	second(t);
	OK(view_host_get(t->v, t->a, STR(HOST), &h));
	assert_true(view_healthy(t->v, NULL));
}

static void empty_and_foreign_files(void **state)
{
	static const char *const contents[] = { "", "x",
		"this is a text and no view, and long enough to look at it" };
	struct fixture *t = *state;
	struct view_host h;

	view_writer_close(&t->w);
	for (size_t i = 0; i < 3; i++) {
		FILE *f = fopen(t->path, "w");

		assert_non_null(f);
		(void)fputs(contents[i], f);
		(void)fclose(f);
		view_close(&t->v);
		OK(view_open(t->path, &t->clock, &t->v, &t->e));
		assert_int_equal(
			view_host_get(t->v, t->a, STR(HOST), &h), ST_TEMP);
		assert_int_equal(
			view_writer_open(t->path, &t->opt, &t->w, &t->e),
			ST_PERM);
	}
}

static void missing_file_appears(void **state)
{
	struct fixture *t = *state;
	struct view_host h = {};

	view_writer_close(&t->w);
	view_close(&t->v);
	assert_int_equal(unlink(t->path), 0);
	OK(view_open(t->path, &t->clock, &t->v, &t->e));
	assert_int_equal(view_host_get(t->v, t->a, STR(HOST), &h), ST_TEMP);
	assert_int_equal(
		view_writer_open(t->path, &t->opt, &t->w, &t->e), ST_NOTFOUND);
	OK(view_writer_create(t->path, &t->opt, NULL, &t->w, &t->e));
	OK(view_set_host(t->w, STR(HOST), &h, &t->e));
	OK(view_writer_publish(t->w, &t->e));
	t->ms += 100; /* it is looked for often */
	OK(view_host_get(t->v, t->a, STR(HOST), &h));
	/* Removed by hand: what is open goes on. */
	assert_int_equal(unlink(t->path), 0);
	second(t);
	OK(view_host_get(t->v, t->a, STR(HOST), &h));
	assert_int_equal(view_writer_verify(t->w, &t->e), ST_PERM);
}

/* A page full of nonsense may cost answers, never the process's memory. */
static void look_at_everything(const char *path)
{
	struct arena *a = arena_must(64 << 20);
	struct str after = {};
	struct view_name *names;
	struct view_zone z;
	struct view *v;
	size_t n;

	if (view_open(path, NULL, &v, NULL) != ST_OK)
		_exit(1);
	for (int i = 0; i < 200; i++) {
		struct view_host h;
		char host[32];

		(void)snprintf(host, sizeof(host), "h%d.example", i);
		(void)!view_host_get(v, a, str_of(host), &h);
	}
	if (view_zone_get(v, a, &z) == ST_OK)
		(void)!view_zone_walk(v, a, z.serial, &after, 1000, &names, &n);
	view_close(&v);
	arena_free(&a);
	_exit(0);
}

static void damage(const char *path, unsigned seed)
{
	int fd = open(path, O_RDWR);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	srand(seed);
	for (int i = 0; i < 40; i++) {
		unsigned char junk[64];
		off_t at = 8192 + rand() % (st.st_size - 8192 - 64);

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (unsigned char)rand();
		assert_int_equal(
			pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	}
	(void)close(fd);
}

static void damaged_file(void **state)
{
	struct fixture *t = *state;

	for (unsigned seed = 1; seed <= 30; seed++) {
		int status;
		pid_t pid;

		view_writer_close(&t->w);
		OK(view_writer_create(
			t->path, &t->opt, &t->zone, &t->w, &t->e));
		for (int i = 0; i < 200; i++) {
			struct view_host h = { .policy = STR("body") };
			char text[64];

			(void)snprintf(text, sizeof(text), "h%d.example", i);
			OK(view_set_host(t->w, str_of(text), &h, &t->e));
			(void)snprintf(
				text, sizeof(text), "n%d.sts.example.net", i);
			set_txt(t, text, "1");
		}
		OK(view_writer_publish(t->w, &t->e));
		view_writer_close(&t->w);
		damage(t->path, seed);
		pid = fork();
		if (pid == 0) {
			/* cmocka's own handlers would go on with the tests */
			(void)signal(SIGSEGV, SIG_DFL);
			(void)signal(SIGBUS, SIG_DFL);
			(void)signal(SIGABRT, SIG_DFL);
			log_set_level(LOG_ERROR + 1);
			look_at_everything(t->path);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* Not by an assertion of LMDB, not by our own reading. */
		if (WIFSIGNALED(status))
			assert_int_not_equal(WTERMSIG(status), SIGABRT);
		else
			assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void full_map(void **state)
{
	struct fixture *t = *state;
	struct view_host h;
	char body[3000];
	enum status st;
	int i = 0;

	view_writer_close(&t->w);
	t->opt.max_bytes = 1 << 20;
	OK(view_writer_create(t->path, &t->opt, &t->zone, &t->w, &t->e));
	OK(view_writer_publish(t->w, &t->e));
	memset(body, 'b', sizeof(body));
	do {
		char host[32];

		(void)snprintf(host, sizeof(host), "h%d.example", i++);
		h = (struct view_host){ .policy = { body, sizeof(body) } };
		OK(view_writer_begin(t->w, &t->e));
		st = view_set_host(t->w, str_of(host), &h, &t->e);
		if (st == ST_OK)
			st = view_writer_commit(t->w, &t->e);
		assert_true(i < 1000);
	} while (st == ST_OK);
	assert_int_equal(st, ST_LIMIT);
	assert_non_null(strstr(t->e.text, "largest size"));
	/* All that was there is served, and room can be made again. */
	second(t);
	OK(view_host_get(t->v, t->a, STR("h0.example"), &h));
	OK(view_writer_begin(t->w, &t->e));
	OK(view_set_host(t->w, STR("h1.example"), NULL, &t->e));
	OK(view_writer_commit(t->w, &t->e));
	assert_int_equal(
		view_host_get(t->v, t->a, STR("h1.example"), &h), ST_NOTFOUND);
}

/* Rebuilding beside the old file: readers have the old or the new. */
static void rebuild_under_a_reader(void **state)
{
	struct fixture *t = *state;
	struct view_host h;

	for (int round = 0; round < 20; round++) {
		struct view_writer *w;
		struct view_host put = { .domain = STR("new") };
		char host[32];

		put_host(t, HOST, "old");
		OK(view_writer_create(t->path, &t->opt, &t->zone, &w, &t->e));
		OK(view_host_get(t->v, t->a, STR(HOST), &h));
		assert_str(h.domain, "old");
		OK(view_set_host(w, STR(HOST), &put, &t->e));
		(void)snprintf(host, sizeof(host), "r%d.example", round);
		OK(view_set_host(w, str_of(host), &put, &t->e));
		second(t);
		OK(view_host_get(t->v, t->a, STR(HOST), &h));
		assert_str(h.domain, "old");
		OK(view_writer_publish(w, &t->e));
		OK(view_host_get(t->v, t->a, STR(HOST), &h));
		assert_str(h.domain, "old"); /* until it looks again */
		second(t);
		OK(view_host_get(t->v, t->a, STR(HOST), &h));
		assert_str(h.domain, "new");
		OK(view_host_get(t->v, t->a, str_of(host), &h));
		view_writer_close(&t->w);
		t->w = w;
	}
}

/* Closing a writer before its publish leaves the old file alone. */
static void unfinished_rebuild(void **state)
{
	struct fixture *t = *state;
	struct view_writer *w;
	struct view_host h;

	put_host(t, HOST, "old");
	OK(view_writer_create(t->path, &t->opt, &t->zone, &w, &t->e));
	view_writer_close(&w);
	second(t);
	OK(view_host_get(t->v, t->a, STR(HOST), &h));
}

/* Promise 4: no keeper, no database, a role that starts anew: still served. */
static void hosting_without_anything_behind(void **state)
{
	struct fixture *t = *state;
	struct view *fresh;
	struct view_host h;
	struct view_name n;
	int status;
	pid_t pid;

	view_writer_close(&t->w);
	pid = fork();
	if (pid == 0) { /* a keeper that dies in the middle of its work */
		if (view_writer_open(t->path, &t->opt, &t->w, &t->e) != ST_OK)
			_exit(1);
		put_host(t, HOST, "served");
		OK(view_writer_begin(t->w, &t->e));
		set_txt(t, "a.sts.example.net", "1");
		OK(view_writer_commit(t->w, &t->e));
		OK(view_writer_begin(t->w, &t->e));
		OK(view_set_host(t->w, STR(HOST), NULL, &t->e));
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	OK(view_open(t->path, NULL, &fresh, &t->e));
	OK(view_host_get(fresh, t->a, STR(HOST), &h));
	assert_str(h.policy, "served");
	OK(view_name_get(fresh, t->a, STR("a.sts.example.net"), &n));
	assert_int_equal(n.kind, VIEW_NAME_RECORDS);
	view_close(&fresh);
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(stopped_and_killed_readers),
		T(readers_of_a_busy_writer),
		T(opened_in_a_commit),
		T(truncated_file),
		T(empty_and_foreign_files),
		T(missing_file_appears),
		T(damaged_file),
		T(full_map),
		T(rebuild_under_a_reader),
		T(unfinished_rebuild),
		T(hosting_without_anything_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
