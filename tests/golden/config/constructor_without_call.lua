av_scanners = { clamd }
compatibility_level = 1
