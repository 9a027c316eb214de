/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bug.h"
#include "io/channel.h"

#include "base/poison.h"

static struct mono soon(int64_t ms)
{
	return (struct mono){ clock_mono(clock_system()).ms + ms };
}

static void messages_there_and_back(void **state)
{
	static const char *const texts[] = { "", "a", "hello, 5:there" };
	struct arena *a = arena_must(0);
	char ahead[CHANNEL_AHEAD_MIN];
	struct channel_reader r;
	struct err e = {};
	struct str got;
	int ends[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	r = channel_reader_of(ends[1], ahead, sizeof(ahead));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(channel_write(ends[0], str_of(texts[i]),
					 soon(1000), &e),
			ST_OK);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			channel_next(&r, a, 100, soon(1000), &got, &e), ST_OK);
		assert_str(got, texts[i]);
	}
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(
		channel_next(&r, a, 100, soon(1000), &got, &e), ST_NOTFOUND);
	assert_int_equal(
		channel_write(ends[1], STR("x"), soon(1000), &e), ST_TEMP);
	assert_int_equal(close(ends[1]), 0);
	arena_free(&a);
}

#define MANY 300u

static struct str nth(struct arena *a, size_t i)
{
	char *p = arena_alloc(a, i);

	memset(p, 'a' + (int)(i % 26), i);
	return (struct str){ p, i };
}

/* However much of it is read ahead. */
static void many_messages_at_once(void **state)
{
	static const size_t caps[] = { CHANNEL_AHEAD_MIN, 17, 100, 1 << 16 };
	struct arena *a = arena_must(0);
	struct str texts[MANY];
	struct err e = {};
	int ends[2];

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		texts[i] = nth(a, i);
	for (size_t c = 0; c < sizeof(caps) / sizeof(*caps); c++) {
		struct channel_reader r;
		struct str got;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					 0, ends),
			0);
		r = channel_reader_of(
			ends[1], arena_alloc(a, caps[c]), caps[c]);
		assert_int_equal(channel_write_all(
					 ends[0], texts, MANY, soon(10000), &e),
			ST_OK);
		assert_int_equal(close(ends[0]), 0);
		for (size_t i = 0; i < MANY; i++) {
			assert_int_equal(channel_next(&r, a, MANY, soon(10000),
						 &got, &e),
				ST_OK);
			assert_true(str_eq(got, texts[i]));
		}
		assert_int_equal(
			channel_next(&r, a, MANY, soon(10000), &got, &e),
			ST_NOTFOUND);
		assert_int_equal(close(ends[1]), 0);
	}
	arena_free(&a);
}

static const char slow_text[] = "0:,12:hello, there,1:x,";

static void *write_bytes(void *fd)
{
	for (size_t i = 0; i + 1 < sizeof(slow_text); i++)
		BUG(write(*(int *)fd, &slow_text[i], 1) != 1);
	return NULL;
}

static void a_message_byte_by_byte(void **state)
{
	static const char *const want[] = { "", "hello, there", "x" };
	struct arena *a = arena_must(0);
	char ahead[CHANNEL_AHEAD_MIN];
	struct channel_reader r;
	struct err e = {};
	struct str got;
	pthread_t writer;
	int ends[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	r = channel_reader_of(ends[1], ahead, sizeof(ahead));
	assert_int_equal(
		pthread_create(&writer, NULL, write_bytes, &ends[0]), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			channel_next(&r, a, 100, soon(30000), &got, &e), ST_OK);
		assert_str(got, want[i]);
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
	arena_free(&a);
}

static void what_is_no_message(void **state)
{
	static const struct {
		const char *bytes;
		bool closed;
		enum status st;
	} rows[] = {
		{ "5:hell", true, ST_TEMP },
		{ "5", true, ST_TEMP },
		{ "5:hello", false, ST_TEMP },
		{ "", false, ST_TEMP },
		{ "5:hello;", false, ST_INVALID },
		{ "x:", false, ST_INVALID },
		{ ":,", false, ST_INVALID },
		{ "-1:", false, ST_INVALID },
		{ "000000000000000", false, ST_INVALID },
		{ "101:", false, ST_LIMIT },
		{ "99999999999:", false, ST_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);
		struct str bytes = str_of(rows[i].bytes), got;
		struct err e = {};
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					 0, ends),
			0);
		assert_int_equal(
			write(ends[0], rows[i].bytes, bytes.n), bytes.n);
		if (rows[i].closed)
			assert_int_equal(close(ends[0]), 0);
		if (channel_read(ends[1], a, 100, soon(30), &got, &e) !=
			rows[i].st)
			fail_msg("\"%s\": %s", rows[i].bytes, e.text);
		if (!rows[i].closed)
			assert_int_equal(close(ends[0]), 0);
		assert_int_equal(close(ends[1]), 0);
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_there_and_back),
		cmocka_unit_test(many_messages_at_once),
		cmocka_unit_test(a_message_byte_by_byte),
		cmocka_unit_test(what_is_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
