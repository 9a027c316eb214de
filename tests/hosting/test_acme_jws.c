/* SPDX-License-Identifier: Apache-2.0 */
/* What is expected here was calculated apart, from the scalar alone. */
#include "tests/testing.h"

#include "base/base64.h"
#include "base/json.h"
#include "hosting/acme_jws.h"
#include "io/pki.h"

#include "base/poison.h"

#define KEY_HEX                                                                \
	"458e9b109e719098bf980487df1f5d77e9cb29606ebed2263b5f97c213df84f4"     \
	"b2043d6d501f818ca01e94158de19e4baf1e28b21d5ff76c56fd040b4ed6b01e"     \
	"495d82f80a1c33406b6f6c04915347cf08a4878cbc541150588cea92812c8fd1"     \
	"7dd7"
#define THUMBPRINT "1cOKsbxizakCeypbrX0aN3xB7oWT4ZBtY5OaOWgEGDE"
#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

static struct arena *a;
static struct pki_key *key;

static int setup(void **state)
{
	struct str raw;

	(void)state;
	a = arena_must(0);
	assert_int_equal(hex_parse(a, STR(KEY_HEX), &raw), ST_OK);
	assert_int_equal(pki_key_read(raw, &key), ST_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pki_key_free(&key);
	arena_free(&a);
	return 0;
}

static struct str decoded(const struct json *o, const char *name)
{
	struct str out = {};

	assert_int_equal(
		base64url_parse(a, json_get_str(o, name), &out), ST_OK);
	return out;
}

static struct json *parsed(struct str text)
{
	struct json *o = NULL;
	struct err e = {};

	assert_int_equal(
		json_parse(a, text, JSON_LIMITS_DEFAULT, &o, NULL, &e), ST_OK);
	return o;
}

static void key_authorization_is_token_and_thumbprint(void **state)
{
	struct str auth = acme_key_auth(a, STR(TOKEN), key);

	(void)state;
	assert_str(acme_thumbprint(a, key), THUMBPRINT);
	assert_str(auth, TOKEN "." THUMBPRINT);
	assert_str(acme_dns01_text(a, auth),
		"D75R8HTqnFfhTJ-hdRuD-vC-Ucf727cbWevOEfNO5k4");
}

/* RFC 8555 section 6.2: alg, nonce, url and either jwk or kid. */
static void request_is_signed_with_key_or_account(void **state)
{
	struct acme_jws j = { .key = key,
		.nonce = STR("n-1"),
		.url = STR("https://ca.test/x"),
		.payload = STR("{\"a\":1}") };
	struct str text, input;
	struct json *o, *head;
	struct err e = {};

	(void)state;
	for (int with_kid = 0; with_kid < 2; with_kid++) {
		j.kid = with_kid ? STR("https://ca.test/acct/1") : STR("");
		assert_int_equal(acme_jws_write(a, &j, &text, &e), ST_OK);
		o = parsed(text);
		assert_int_equal(o->count, 3);
		assert_str(decoded(o, "payload"), "{\"a\":1}");
		head = parsed(decoded(o, "protected"));
		assert_int_equal(head->count, 4);
		assert_str(json_get_str(head, "alg"), "ES256");
		assert_str(json_get_str(head, "nonce"), "n-1");
		assert_str(json_get_str(head, "url"), "https://ca.test/x");
		assert_true((json_get(head, "jwk") != NULL) == (with_kid == 0));
		assert_true((json_get(head, "kid") != NULL) == (with_kid == 1));
		assert_null(json_get(json_get(head, "jwk"), "d"));
		input = arena_fmt(a, "%.*s.%.*s",
			STR_ARG(json_get_str(o, "protected")),
			STR_ARG(json_get_str(o, "payload")));
		assert_true(
			pki_sign_check(key, input, decoded(o, "signature")));
	}
}

/* RFC 8555 section 6.3: the payload of POST-as-GET is the empty string. */
static void post_as_get_has_an_empty_payload(void **state)
{
	struct acme_jws j = { .key = key, .url = STR("https://ca.test/o/1") };
	struct err e = {};
	struct str text;

	(void)state;
	assert_int_equal(acme_jws_write(a, &j, &text, &e), ST_OK);
	assert_int_equal(json_get_str(parsed(text), "payload").n, 0);
}

/* A CA's words cannot break out of the JSON they are put into. */
static void hostile_nonce_stays_a_string(void **state)
{
	struct acme_jws j = { .key = key,
		.nonce = STR("\",\"url\":\"evil"),
		.url = STR("https://ca.test/o/1") };
	struct err e = {};
	struct json *head;
	struct str text;

	(void)state;
	assert_int_equal(acme_jws_write(a, &j, &text, &e), ST_OK);
	head = parsed(decoded(parsed(text), "protected"));
	assert_str(json_get_str(head, "url"), "https://ca.test/o/1");
}

static void external_account_is_bound_by_hmac(void **state)
{
	struct sbuf b = sbuf_arena(a, 4096);
	struct json_writer w = json_writer_of(&b, 0);
	const struct json *eab;

	(void)state;
	json_open_object(&w, NULL);
	acme_jws_put_eab(a, &w, key, STR("kid-1"), STR("secret"),
		STR("https://ca.test/new-account"));
	json_close_object(&w);
	assert_true(sbuf_ok(&b));
	eab = json_get(parsed(sbuf_str(&b)), "externalAccountBinding");
	assert_str(json_get_str(eab, "signature"),
		"_8dqw42P91qUy0l2sFf6nWLa2xkNJblzAudLXIDbelQ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_authorization_is_token_and_thumbprint),
		cmocka_unit_test(request_is_signed_with_key_or_account),
		cmocka_unit_test(post_as_get_has_an_empty_payload),
		cmocka_unit_test(hostile_nonce_stays_a_string),
		cmocka_unit_test(external_account_is_bound_by_hmac),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
