/* SPDX-License-Identifier: Apache-2.0 */
/* crypto: libsodium behind moat's types. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "io/crypto.h"

#include "base/bug.h"
#include "base/mem.h"

#include "base/poison.h"

#define SEAL_VERSION 1
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_HEX (2 * CRYPTO_KEY_BYTES)
#define PATH_CAP 4096

_Static_assert(CRYPTO_SEAL_EXTRA == 1 + NONCE_BYTES + TAG_BYTES, "extra");

struct crypto_key {
	unsigned char bytes[CRYPTO_KEY_BYTES];
};

/* Cheap after the first call, which picks the fastest code for this machine. */
static void need_sodium(void)
{
	BUG(sodium_init() < 0);
}

static const unsigned char *bytes_of(struct str s)
{
	return (const unsigned char *)(s.n == 0 ? "" : s.p);
}

void crypto_sha256(struct str data, unsigned char out[CRYPTO_SHA256_BYTES])
{
	(void)crypto_hash_sha256(out, bytes_of(data), data.n);
}

void crypto_hmac_sha256_parts(struct str key, const struct str *parts, size_t n,
	unsigned char out[CRYPTO_SHA256_BYTES])
{
	crypto_auth_hmacsha256_state st;

	(void)crypto_auth_hmacsha256_init(&st, bytes_of(key), key.n);
	for (size_t i = 0; i < n; i++)
		(void)crypto_auth_hmacsha256_update(
			&st, bytes_of(parts[i]), parts[i].n);
	(void)crypto_auth_hmacsha256_final(&st, out);
	sodium_memzero(&st, sizeof(st));
}

void crypto_hmac_sha256(
	struct str key, struct str data, unsigned char out[CRYPTO_SHA256_BYTES])
{
	crypto_hmac_sha256_parts(key, &data, 1, out);
}

void crypto_random(void *p, size_t n)
{
	need_sodium();
	randombytes_buf(p, n);
}

uint32_t crypto_random_below(uint32_t upper)
{
	need_sodium();
	return randombytes_uniform(upper);
}

struct crypto_key *crypto_key_of(const unsigned char bytes[CRYPTO_KEY_BYTES])
{
	struct crypto_key *k;

	need_sodium();
	k = sodium_malloc(sizeof(*k));
	BUG(k == NULL);
	memcpy(k->bytes, bytes, CRYPTO_KEY_BYTES);
	(void)sodium_mprotect_readonly(k);
	return k;
}

void crypto_key_free(struct crypto_key **k)
{
	sodium_free(*k); /* makes it writable, wipes and unlocks it */
	*k = NULL;
}

/* Where the key lies, with "credential:" resolved. */
static enum status key_path(const char *path, char out[PATH_CAP], struct err *e)
{
	struct str scheme = STR("credential:");
	struct sbuf b = sbuf_fixed(out, PATH_CAP);
	const char *dir;

	if (str_starts(str_of(path), scheme)) {
		dir = getenv("CREDENTIALS_DIRECTORY");
		if (dir == NULL)
			return err_set(e, ST_NOTFOUND,
				"%s: CREDENTIALS_DIRECTORY is not set; start "
				"moatd from a unit with LoadCredential=",
				path);
		sbuf_fmt(&b, "%s/%s", dir, path + scheme.n);
	} else {
		sbuf_addz(&b, path);
	}
	sbuf_addc(&b, '\0');
	return sbuf_ok(&b) ? ST_OK
			   : err_set(e, ST_INVALID, "%s: path too long", path);
}

static enum status check_mode(const char *path, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, ST_PERM, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ST_INVALID, "%s: not a regular file", path);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ST_INVALID,
			"%s: others can read this secret; chmod 600 it", path);
	return ST_OK;
}

/* Reads text of exactly KEY_HEX digits and perhaps a newline. */
static enum status read_key(const char *path, int fd,
	unsigned char out[CRYPTO_KEY_BYTES], struct err *e)
{
	char text[KEY_HEX + 2];
	ssize_t n = read(fd, text, sizeof(text));
	enum status st = ST_OK;
	size_t len = 0;

	if (n < 0) {
		st = err_sys(e, ST_PERM, errno, "%s", path);
		goto out;
	}
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n != KEY_HEX ||
		sodium_hex2bin(out, CRYPTO_KEY_BYTES, text, KEY_HEX, NULL, &len,
			NULL) != 0 ||
		len != CRYPTO_KEY_BYTES)
		st = err_set(e, ST_INVALID,
			"%s: not a sealing key (64 hex digits)", path);
out:
	mem_wipe(text, sizeof(text));
	return st;
}

/* Opens a file that only its owner can read. */
static enum status open_private(const char *path, int *out, struct err *e)
{
	char full[PATH_CAP];
	enum status st = key_path(path, full, e);
	int fd;

	if (st != ST_OK)
		return st;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, errno == ENOENT ? ST_NOTFOUND : ST_PERM,
			errno, "%s", full);
	st = check_mode(full, fd, e);
	if (st != ST_OK)
		(void)close(fd);
	else
		*out = fd;
	return st;
}

enum status crypto_key_open(
	const char *path, struct crypto_key **out, struct err *e)
{
	unsigned char bytes[CRYPTO_KEY_BYTES];
	int fd = -1;
	enum status st = open_private(path, &fd, e);

	if (st != ST_OK)
		return st;
	st = read_key(path, fd, bytes, e);
	if (st == ST_OK)
		*out = crypto_key_of(bytes);
	mem_wipe(bytes, sizeof(bytes));
	(void)close(fd);
	return st;
}

enum status crypto_key_create(const char *path, struct err *e)
{
	unsigned char bytes[CRYPTO_KEY_BYTES];
	char text[KEY_HEX + 1];
	enum status st = ST_OK;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, errno == EEXIST ? ST_LIMIT : ST_PERM, errno,
			"%s", path);
	crypto_random(bytes, sizeof(bytes));
	(void)sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
	text[KEY_HEX] = '\n';
	if (write(fd, text, sizeof(text)) != (ssize_t)sizeof(text) ||
		fsync(fd) != 0) {
		st = err_sys(e, ST_PERM, errno, "%s", path);
		(void)unlink(path);
	}
	(void)close(fd);
	mem_wipe(bytes, sizeof(bytes));
	mem_wipe(text, sizeof(text));
	return st;
}

void crypto_seal(const struct crypto_key *k, struct str purpose,
	struct str plain, struct sbuf *out)
{
	unsigned char nonce[NONCE_BYTES];
	unsigned long long n = 0;
	unsigned char *buf = mem_must(plain.n + TAG_BYTES);

	crypto_random(nonce, sizeof(nonce));
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(buf, &n,
		bytes_of(plain), plain.n, bytes_of(purpose), purpose.n, NULL,
		nonce, k->bytes);
	sbuf_addc(out, SEAL_VERSION);
	sbuf_add(out, (struct str){ (const char *)nonce, sizeof(nonce) });
	sbuf_add(out, (struct str){ (const char *)buf, (size_t)n });
	mem_free(buf);
}

enum status crypto_open(const struct crypto_key *k, struct str purpose,
	struct str sealed, void *out, size_t cap, size_t *n)
{
	const unsigned char *p = bytes_of(sealed);
	unsigned long long len = 0;

	if (sealed.n < CRYPTO_SEAL_EXTRA || p[0] != SEAL_VERSION)
		return ST_INVALID;
	if (sealed.n - CRYPTO_SEAL_EXTRA > cap)
		return ST_LIMIT;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, &len, NULL,
		    p + 1 + NONCE_BYTES, sealed.n - 1 - NONCE_BYTES,
		    bytes_of(purpose), purpose.n, p + 1, k->bytes) != 0)
		return ST_INVALID;
	*n = (size_t)len;
	return ST_OK;
}

struct crypto_secret {
	size_t n;
	unsigned char bytes[CRYPTO_SECRET_MAX];
};

static bool take_base64url(struct crypto_secret *s, struct str text)
{
	return sodium_base642bin(s->bytes, sizeof(s->bytes), text.p, text.n,
		       "=", &s->n, NULL,
		       sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

static bool take_text(struct crypto_secret *s, struct str text)
{
	if (text.n > sizeof(s->bytes) || memchr(text.p, 0, text.n) != NULL)
		return false;
	memcpy(s->bytes, text.p, text.n);
	s->n = text.n;
	return true;
}

static enum status open_secret(const char *path,
	bool (*take)(struct crypto_secret *s, struct str text),
	const char *fault, struct crypto_secret **out, struct err *e)
{
	char text[CRYPTO_SECRET_MAX + 1];
	struct crypto_secret *s;
	int fd = -1;
	enum status st = open_private(path, &fd, e);
	ssize_t n;

	if (st != ST_OK)
		return st;
	need_sodium();
	s = sodium_malloc(sizeof(*s));
	BUG(s == NULL);
	n = read(fd, text, sizeof(text));
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0 || !take(s, (struct str){ text, (size_t)n })) {
		st = err_set(e, ST_INVALID, "%s: %s", path, fault);
		sodium_free(s);
	} else {
		*out = s;
	}
	mem_wipe(text, sizeof(text));
	(void)close(fd);
	return st;
}

enum status crypto_secret_open(
	const char *path, struct crypto_secret **out, struct err *e)
{
	return open_secret(path, take_base64url, "not base64url", out, e);
}

enum status crypto_secret_open_text(
	const char *path, struct crypto_secret **out, struct err *e)
{
	return open_secret(path, take_text, "empty or too long", out, e);
}

struct str crypto_secret_bytes(const struct crypto_secret *s)
{
	return (struct str){ (const char *)s->bytes, s->n };
}

struct str crypto_derive(const struct crypto_secret *s, struct str id,
	char out[CRYPTO_DERIVED_CAP])
{
	const struct str parts[] = { STR("moat key "), id };
	unsigned char mac[CRYPTO_SHA256_BYTES];

	crypto_hmac_sha256_parts(crypto_secret_bytes(s), parts, 2, mac);
	(void)sodium_bin2hex(out, CRYPTO_DERIVED_CAP, mac, sizeof(mac));
	sodium_memzero(mac, sizeof(mac));
	return (struct str){ out, CRYPTO_DERIVED_CAP - 1 };
}

void crypto_secret_free(struct crypto_secret **s)
{
	sodium_free(*s);
	*s = NULL;
}
