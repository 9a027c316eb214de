/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison: functions that lose lengths, ranges or re-entrancy do not compile,
 * nor those that change the owner of whatever a path leads to by then.
 * Include it last, in every .c file.
 */
#pragma once

/* Fortified builds define some of them as macros; those may not be poisoned. */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison strtok atoi atol atoll atof strtol strtoul strtoll strtoull
#pragma GCC poison scanf sscanf fscanf
#pragma GCC poison gmtime localtime ctime asctime
#pragma GCC poison gethostbyname gethostbyaddr inet_aton inet_ntoa
#pragma GCC poison mktemp tmpnam tempnam
#pragma GCC poison chown lchown
