/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "io/crypto.h"

#include "base/poison.h"

static struct str hex(const unsigned char *p, size_t n, char *buf, size_t cap)
{
	struct sbuf b = sbuf_fixed(buf, cap);

	hex_write(&b, (struct str){ (const char *)p, n });
	return sbuf_str(&b);
}

static void hashes_match_the_standards(void **state)
{
	unsigned char out[CRYPTO_SHA256_BYTES];
	char text[80];

	(void)state;
	crypto_sha256(STR("abc"), out); /* FIPS 180-4 */
	assert_str(hex(out, sizeof(out), text, sizeof(text)),
		"ba7816bf8f01cfea414140de5dae2223"
		"b00361a396177a9cb410ff61f20015ad");
	/* RFC 4231 section 4.3 */
	crypto_hmac_sha256(
		STR("Jefe"), STR("what do ya want for nothing?"), out);
	assert_str(hex(out, sizeof(out), text, sizeof(text)),
		"5bdcc146bf60754e6a042426089575c7"
		"5a003f089d2739839dec58b964ec3843");
}

static struct crypto_key *test_key(unsigned char fill)
{
	unsigned char bytes[CRYPTO_KEY_BYTES];

	memset(bytes, fill, sizeof(bytes));
	return crypto_key_of(bytes);
}

static void sealed_opens_only_for_its_key_and_purpose(void **state)
{
	struct crypto_key *k = test_key(1), *other = test_key(2);
	char buf[128], plain[64];
	struct sbuf b = sbuf_fixed(buf, sizeof(buf));
	struct str sealed;
	size_t n = 0;

	(void)state;
	crypto_seal(k, STR("cert:1"), STR("secret"), &b);
	sealed = sbuf_str(&b);
	assert_int_equal(sealed.n, strlen("secret") + CRYPTO_SEAL_EXTRA);
	assert_int_equal(
		crypto_open(k, STR("cert:1"), sealed, plain, 64, &n), ST_OK);
	assert_str(((struct str){ plain, n }), "secret");
	assert_int_equal(crypto_open(k, STR("cert:2"), sealed, plain, 64, &n),
		ST_INVALID);
	assert_int_equal(
		crypto_open(other, STR("cert:1"), sealed, plain, 64, &n),
		ST_INVALID);
	assert_int_equal(
		crypto_open(k, STR("cert:1"), sealed, plain, 5, &n), ST_LIMIT);
	for (size_t i = 0; i < sealed.n; i++) {
		buf[i] ^= 1;
		assert_int_equal(
			crypto_open(k, STR("cert:1"), sealed, plain, 64, &n),
			ST_INVALID);
		buf[i] ^= 1;
		assert_int_equal(crypto_open(k, STR("cert:1"),
					 str_upto(sealed, i), plain, 64, &n),
			ST_INVALID);
	}
	crypto_key_free(&k);
	crypto_key_free(&other);
}

static void key_file_is_private_and_never_overwritten(void **state)
{
	char dir[] = "/tmp/moat-test-XXXXXX", path[64], cred[64];
	struct crypto_key *k = NULL, *again = NULL;
	struct err e = {};
	struct stat sb;
	char buf[64], plain[8];
	struct sbuf b = sbuf_fixed(buf, sizeof(buf));
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/seal.key", dir);
	assert_int_equal(crypto_key_open(path, &k, &e), ST_NOTFOUND);
	assert_int_equal(crypto_key_create(path, &e), ST_OK);
	assert_int_equal(crypto_key_create(path, &e), ST_LIMIT);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_int_equal(crypto_key_open(path, &k, &e), ST_OK);
	crypto_seal(k, STR("x"), STR("y"), &b);

	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	(void)snprintf(cred, sizeof(cred), "credential:seal.key");
	assert_int_equal(crypto_key_open(cred, &again, &e), ST_OK);
	assert_int_equal(
		crypto_open(again, STR("x"), sbuf_str(&b), plain, 8, &n),
		ST_OK);

	assert_int_equal(chmod(path, 0640), 0);
	crypto_key_free(&again);
	assert_int_equal(crypto_key_open(path, &again, &e), ST_INVALID);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 63), 0);
	assert_int_equal(crypto_key_open(path, &again, &e), ST_INVALID);
	assert_null(again);
	crypto_key_free(&k);
	crypto_key_free(&k);
	(void)unlink(path);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_match_the_standards),
		cmocka_unit_test(sealed_opens_only_for_its_key_and_purpose),
		cmocka_unit_test(key_file_is_private_and_never_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
