/* SPDX-License-Identifier: Apache-2.0 */
/* utf8: one character at a time (RFC 3629), for readers and writers of text. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define UTF8_REPLACEMENT 0xfffdu
#define UTF8_MAX_BYTES 4u

/*
 * The length of the well-formed character s begins with, its code point in
 * *cp. 0 if s is empty or does not begin with one: overlong forms, surrogates
 * and values above U+10FFFF are ill-formed.
 */
size_t utf8_read(struct str s, uint32_t *cp);

/*
 * Writes cp to out (UTF8_MAX_BYTES of room) and returns its length. What is no
 * Unicode scalar value is written as U+FFFD.
 */
size_t utf8_write(char *out, uint32_t cp);
