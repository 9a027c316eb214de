/* SPDX-License-Identifier: Apache-2.0 */
/* err: error sentences and status names. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#include "base/poison.h"

const char *status_name(enum status st)
{
	switch (st) {
	case ST_OK:
		return "ok";
	case ST_AGAIN:
		return "again";
	case ST_NOTFOUND:
		return "notfound";
	case ST_INVALID:
		return "invalid";
	case ST_LIMIT:
		return "limit";
	case ST_TEMP:
		return "temp";
	case ST_PERM:
		return "perm";
	}
	return "?";
}

enum status err_set(struct err *e, enum status st, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return st;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return st;
}

enum status err_sys(
	struct err *e, enum status st, int errnum, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (e == NULL)
		return st;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	(void)snprintf(
		e->text + n, sizeof(e->text) - n, ": %s", strerror(errnum));
	return st;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;
	size_t n;

	if (e == NULL)
		return;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	(void)snprintf(e->text + n, sizeof(e->text) - n, ": %s", old);
}
