/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper with a postqueue of ours: only domain names get to it, and only
 * queue ids of that domain's deferred mail get onto a command line.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/helper_held.h"
#include "tests/testing.h"

#include "base/poison.h"

#define WAIT_MS 20000
#define LOOK_MS 10
#define ROW(queue, id, address, reason)                                        \
	"{\"queue_name\": \"" queue "\", \"queue_id\": \"" id "\", "           \
	"\"arrival_time\": 1, \"recipients\": [{\"address\": \"" address       \
	"\", \"delay_reason\": \"" reason "\"}]}\n"

/* It writes down each of its words; the end of a look is "-i LAST". */
static const char script[] = "#!/bin/sh\n"
			     "echo \"$*\" >>\"${0%/*}/words\"\n"
			     "test \"$1\" = -j && cat \"${0%/*}/queue\"\n"
			     "exit 0\n";

static const char queue[] = ROW(
	"deferred", "GOOD1", "x@a.example", "Server certificate") ROW("active",
	"ACTIVE", "x@a.example", "") ROW("deferred", "OTHER", "x@b.example", "")
	ROW("deferred", "$(touch x)", "x@a.example", "") ROW("deferred", "-c",
		"x@a.example", "") ROW("deferred", "ODD", "x@$(id).example",
		"") "postqueue: warning: nonsense\n" ROW("deferred", "SMART",
		"x@c.example", "by host A.example[192.0.2.1]")
		ROW("deferred", "LAST", "x@a.example", "");

struct folder {
	char path[64];
	char file[128];
};

static const char *in(struct folder *f, const char *name)
{
	(void)snprintf(f->file, sizeof(f->file), "%s/%s", f->path, name);
	return f->file;
}

static void put(struct folder *f, const char *name, const char *text)
{
	int fd = open(in(f, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

/* What postqueue was called with, once it says what is waited for. */
static void words(struct folder *f, const char *until, char text[1024])
{
	int64_t end = clock_mono(clock_system()).ms + WAIT_MS;

	do {
		int fd = open(in(f, "words"), O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, text, 1023);

		text[n > 0 ? n : 0] = '\0';
		if (fd >= 0)
			(void)close(fd);
		if (strstr(text, until) != NULL)
			return;
		(void)poll(NULL, 0, LOOK_MS);
	} while (clock_mono(clock_system()).ms < end);
	fail_msg("no \"%s\" in: %s", until, text);
}

static void only_that_domains_mail_is_released(void **state)
{
	static const char *const refused[] = { "", "a.example;reboot",
		"$(id).example", "`id`", "a b.example", "-i", "../x",
		"a.example\n", "192.0.2.1", "[a.example]", ".example" };
	struct folder f = { .path = "/tmp/moat-held-XXXXXX" };
	struct queue_where where = { f.path, "" };
	struct helper_held *h = NULL;
	char text[1024];

	(void)state;
	assert_non_null(mkdtemp(f.path));
	put(&f, "postqueue", script);
	put(&f, "queue", queue);
	assert_int_equal(helper_held_start(&where, &h, NULL), ST_OK);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		assert_false(helper_held_ask(h, str_of(refused[i])));
	assert_true(helper_held_ask(h, STR("a.example")));
	assert_true(helper_held_ask(h, STR("a.example")));
	words(&f, "-i LAST", text);
	assert_string_equal(text, "-j\n-i GOOD1\n-i SMART\n-i LAST\n");
	helper_held_stop(&h);
	assert_null(h);
	(void)unlink(in(&f, "postqueue"));
	(void)unlink(in(&f, "queue"));
	(void)unlink(in(&f, "words"));
	assert_int_equal(rmdir(f.path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_that_domains_mail_is_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
