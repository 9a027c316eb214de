/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to the reply, with an engine whose world is a script. */
#include "engine_fixture.h"

#include "outbound/policy_source.h"

#include "base/poison.h"

static const struct engine_profile profiles[] = {
	{ { "sts", 3 }, { .kind = STS_PROFILE_STS } },
	{ { "sts-tlsrpt", 10 }, { .kind = STS_PROFILE_STS_TLSRPT } },
};

struct heard {
	char reply[512];
	int64_t valid_ms;
	size_t n;
};

static void on_answer(void *ctx, const struct answer *answer)
{
	struct heard *h = ctx;

	assert_true(answer->reply.n < sizeof(h->reply));
	memcpy(h->reply, answer->reply.p, answer->reply.n);
	h->reply[answer->reply.n] = '\0';
	h->valid_ms = answer->valid_ms;
	h->n++;
}

static struct policy_source *source_new(struct fixture *t)
{
	t->id = "id1";
	t->text = ENFORCE("86400");
	return policy_source_new(
		&(struct policy_source_options){ .loop = t->loop,
			.engine = t->e,
			.profiles = profiles,
			.n_profiles = 2 });
}

static enum status now(struct fixture *t, const struct policy_source *s,
	const char *name, const char *key, struct answer *out)
{
	const struct answer_source *table = policy_source_get(s);
	struct socketmap_request request = { str_of(name), str_of(key) };

	return table->now(table->ctx, t->a, &request, out);
}

static void *question(const struct policy_source *s, const char *name,
	const char *key, struct heard *h)
{
	const struct answer_source *table = policy_source_get(s);
	struct socketmap_request request = { str_of(name), str_of(key) };

	return table->ask(table->ctx, &request, on_answer, h);
}

static void a_question_and_then_none(void **state)
{
	struct fixture *t = *state;
	struct policy_source *s = source_new(t);
	struct answer answer;
	struct heard h = {};

	assert_int_equal(now(t, s, "sts", "Example.COM", &answer), ST_AGAIN);
	(void)question(s, "sts", "Example.COM", &h);
	assert_int_equal(h.n, 0);
	run(t);
	assert_int_equal(h.n, 1);
	assert_string_equal(
		h.reply, "OK secure match=mx.example.net servername=hostname");
	assert_true(h.valid_ms > 0);
	assert_int_equal(now(t, s, "sts", "example.com", &answer), ST_OK);
	assert_str(answer.reply, h.reply);
	assert_str(answer.domain, "example.com");
	assert_int_equal(
		now(t, s, "sts-tlsrpt", "example.com", &answer), ST_OK);
	assert_true(str_index(answer.reply, '{') > 0);
	policy_source_free(&s);
}

/* Nothing is looked up for what has no policy, RFC 8461 section 3.4. */
static void without_a_question(void **state)
{
	static const struct {
		const char *name, *key, *reply;
		bool kept;
	} rows[] = {
		{ "sts", ".example.com", "NOTFOUND ", true },
		{ "sts", "[192.0.2.1]:25", "NOTFOUND ", true },
		{ "sts", "", "NOTFOUND ", true },
		{ "sts", "no domain", "NOTFOUND ", true },
		{ "other", "example.com",
			"PERM there is no profile of this name in moat.conf",
			false },
		{ "", "example.com",
			"PERM there is no profile of this name in moat.conf",
			false },
	};
	struct fixture *t = *state;
	struct policy_source *s = source_new(t);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct answer answer;

		assert_int_equal(
			now(t, s, rows[i].name, rows[i].key, &answer), ST_OK);
		assert_str(answer.reply, rows[i].reply);
		assert_int_equal(answer.valid_ms > 0, rows[i].kept);
	}
	run(t);
	for (int kind = 0; kind < CALLS; kind++)
		assert_int_equal(t->asked[kind], 0);
	policy_source_free(&s);
}

static void cancelled(void **state)
{
	struct fixture *t = *state;
	struct policy_source *s = source_new(t);
	const struct answer_source *table = policy_source_get(s);
	struct heard gone = {}, other = {};
	void *handle = question(s, "sts", "example.com", &gone);

	(void)question(s, "sts", "example.com", &other);
	table->cancel(table->ctx, handle);
	run(t);
	assert_int_equal(gone.n, 0);
	assert_int_equal(other.n, 1);
	policy_source_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_question_and_then_none),
		TEST(without_a_question),
		TEST(cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
