av_scanners = { plugin("otherabi", "@BUILD@/tests/golden/plugins/.libs/otherabi.so") { } }
compatibility_level = 1
