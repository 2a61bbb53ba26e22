av_scanners = { command { args = "-r {}" } }
compatibility_level = 1
