/**
 * What both the threads that convert pages and those that have them converted know of pages. It loads no parser: those are for the threads alone.
 */

/** The message of the error that a page causes whose cleaned HTML would be out of proportion. */
export const tooLarge = "the cleaned page is too large"

/** The most characters of a link: servers refuse longer ones. */
export const mostUrl = 8190
