"""What a chart is: Chart.yaml, files, folders and archives, its schema; making, packing and examining one.

Outside: how its templates are rendered (`charts.render`), which of its dependencies are on (`charts.dependencies`).
"""
